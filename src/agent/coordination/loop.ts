import type { RegionContext } from '../../engines/context.ts'
import type { View } from '../../failover/types.ts'
import { messageOf } from '../../lib/errors.ts'
import { every, Loop } from '../../lib/loop.ts'
import type { DatabaseState } from '../database/monitor.ts'
import { cycleIntervalMs } from './cycle-interval.ts'
import type { Snapshot, StateStore } from './store.ts'

type CoordinationLoopOptions = {
  context: RegionContext
  store: Pick<StateStore, 'publish' | 'read'>
  version: string
  /** What is published of the other regions and of the own database. */
  seen: () => Record<string, View>
  database: () => DatabaseState | undefined
  /**
   * What is done after a look; the next one waits for it, and its failure is the look's own. `before`: the region that
   * led until now, as far as is known.
   */
  follow: (snapshot: Snapshot, before: string | undefined) => Promise<void>
}

/** A look that took longer than its interval must leave time for everything else. */
const leastRestMs = 20

/**
 * CoordinationLoop at what all agents share, again and again: publish, read, do what follows. An agent that cannot write to etcd
 * fails here, decides nothing and leaves everything as it is: a minority does not act.
 */
export class CoordinationLoop {
  /** The last look; undefined before the first. */
  snapshot: Snapshot | undefined
  /** When that was, by the monotonic clock. */
  atMs = 0
  /** Why the store state cannot be written or read. */
  error: string | undefined = 'not asked yet'
  readonly #options: CoordinationLoopOptions
  #listeners: ((snapshot: Snapshot) => void)[] = []
  /** An election has no leader for a moment. */
  #lastPrimary: string | undefined
  readonly #loop: Loop

  constructor(options: CoordinationLoopOptions) {
    this.#options = options
    this.#loop = new Loop({
      round: async () => {
        await this.#look()
        this.error = undefined
      },
      onError: (error) => {
        this.error = messageOf(error)
      },
      restMs: (tookMs) => {
        const { seen, context } = options
        return every(cycleIntervalMs(seen(), context.topology.failover), leastRestMs)(tookMs)
      },
    })
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
    if (this.snapshot) this.#tell(this.snapshot)
  }

  /** Something has changed: others should know before the next look is due. */
  soon(): void {
    this.#loop.soon()
  }

  /** Resolves when a look shows what is waited for, or when there are no more. */
  until(holds: (snapshot: Snapshot) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const listener = (snapshot: Snapshot) => {
        if (!this.#loop.stopping && !holds(snapshot)) return
        this.#listeners = this.#listeners.filter((one) => one !== listener)
        resolve()
      }
      this.#listeners.push(listener)
    })
  }

  async #look(): Promise<void> {
    const { context, store, version, seen, database, follow } = this.#options
    const region = context.region.name
    await store.publish({ region, at: Date.now(), version, seen: seen(), database: database() })
    const snapshot = await store.read()
    const before = this.#lastPrimary
    this.#lastPrimary = snapshot.leader?.region ?? before
    this.snapshot = snapshot
    this.atMs = performance.now()
    this.#tell(snapshot)
    await follow(snapshot, before)
  }

  #tell(snapshot: Snapshot): void {
    for (const listener of [...this.#listeners]) listener(snapshot)
  }
}
