import type { RegionContext } from '../../engines/context.ts'
import type { View } from '../../failover/types.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { every, Loop } from '../../lib/loop.ts'
import type { TableReport } from '../../steering/agreement.ts'
import type { DatabaseState } from '../database/monitor.ts'
import { cycleIntervalMs } from './cycle-interval.ts'
import type { PurgeState } from './keys/purges.ts'
import type { Snapshot } from './snapshot.ts'
import type { StateStore } from './store.ts'

type CoordinationLoopOptions = {
  context: RegionContext
  store: Pick<StateStore, 'publish' | 'read'>
  version: string
  /** The agent's view of the other regions, which it publishes. */
  seen: () => Record<string, View>
  /** State of the region's own database, which it publishes. */
  database: () => DatabaseState | undefined
  /** Which purges the region's caches have applied, which it publishes. */
  purges?: () => PurgeState | undefined
  /** The region's steering tables, which it publishes. */
  tables?: () => TableReport | undefined
  /**
   * Runs after each cycle. The next cycle waits for it; if it throws, the cycle counts as failed. `before`: the
   * previous leader, if known.
   */
  follow: (snapshot: Snapshot, before: string | undefined) => Promise<void>
}

type CycleFailure = { of: 'etcd' | 'agent'; why: string }

const isOfEtcd = (error: unknown) => error instanceof NearsideError && error.code.startsWith('etcd_')

/** Minimum pause after a cycle that took longer than its interval, to leave time for other work. */
const minRestMs = 20

/**
 * The coordination loop: each cycle publishes the agent's report, reads the state store, and acts on it. An agent that
 * cannot write to etcd fails here and decides nothing, so a minority does not act.
 */
export class CoordinationLoop {
  /** Of the last cycle; undefined before the first. */
  snapshot: Snapshot | undefined
  /** When the snapshot was read, by the monotonic clock. */
  atMs = 0
  /** Why the last cycle failed. `etcd`: the state store cannot be written or read; `agent`: a fault of this agent. */
  failure: CycleFailure | undefined = { of: 'etcd', why: 'no answer from etcd yet' }
  readonly #options: CoordinationLoopOptions
  #listeners: ((snapshot: Snapshot) => void)[] = []
  /** Remembered across an election, during which there is no leader. */
  #lastPrimary: string | undefined
  readonly #loop: Loop

  constructor(options: CoordinationLoopOptions) {
    this.#options = options
    this.#loop = new Loop({
      round: async () => {
        await this.#cycle()
        this.failure = undefined
      },
      onError: (error) => {
        this.failure = { of: isOfEtcd(error) ? 'etcd' : 'agent', why: messageOf(error) }
      },
      restMs: (tookMs) => {
        const { seen, context } = options
        return every(cycleIntervalMs(seen(), context.topology.failover), minRestMs)(tookMs)
      },
    })
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
    if (this.snapshot) this.#notify(this.snapshot)
  }

  /** Starts the next cycle now, to publish a change early. */
  trigger(): void {
    this.#loop.trigger()
  }

  /** Resolves when a snapshot meets the condition, or when the loop stops. */
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

  async #cycle(): Promise<void> {
    const { context, store, version, seen, database, purges, tables, follow } = this.#options
    const region = context.region.name
    const applied = purges?.()
    await store.publish({
      ...{ region, at: Date.now(), version, seen: seen(), database: database(), tables: tables?.() },
      ...(applied ? { purges: applied } : {}),
    })
    const snapshot = await store.read()
    const before = this.#lastPrimary
    this.#lastPrimary = snapshot.leader?.region ?? before
    this.snapshot = snapshot
    this.atMs = performance.now()
    this.#notify(snapshot)
    await follow(snapshot, before)
  }

  #notify(snapshot: Snapshot): void {
    for (const listener of [...this.#listeners]) listener(snapshot)
  }
}
