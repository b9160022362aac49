import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { haproxyIn } from '../../engines/haproxy/control.ts'
import { varnishControl } from '../../engines/varnish/control.ts'
import { messageOf } from '../../lib/errors.ts'
import { writeAside } from '../../lib/files.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import type { RegionPlan } from '../../plan.ts'
import {
  beforeAll,
  type Purge,
  type PurgePosition,
  type PurgeState,
  purgeHeadKind,
} from '../coordination/keys/purges.ts'
import type { PurgeList } from '../coordination/purge-list.ts'
import type { Snapshot } from '../coordination/snapshot.ts'
import type { AgentBase } from '../types.ts'
import { type Caches, cachesOf } from './caches.ts'

/** More missed purges than this become one of all that they could have covered. */
const mergedFrom = 10

type PurgesOptions = {
  /** The region's name. */
  region: string
  list: Pick<PurgeList, 'after'>
  caches: Caches
  /** File with the position of the last applied purge. */
  file: string
  log: AgentBase['log']
  /** Called after each applied purge. */
  onApplied: () => void
}

/**
 * Applies the world's purges to this region's caches, in order. A purge that fails blocks the later ones and is
 * retried, so `applied` covers everything before it.
 *
 * The position outlives the agent. It need not be tied to the life of Varnish or HAProxy: a restarted one is empty, so
 * it has nothing from before any purge. A position that the list does not know means that purges were missed, and
 * everything is purged.
 */
export class Purges {
  /** Since this agent started: purges that took effect, and attempts that did not. */
  readonly totals = { applied: 0, failed: 0 }
  readonly #options: PurgesOptions
  #position: PurgePosition
  #failing: PurgeState['failing']
  #busy = false

  constructor(options: PurgesOptions) {
    this.#options = options
    this.#position = readPosition(options.file)
  }

  get state(): PurgeState {
    return { applied: this.#position.number, ...(this.#failing ? { failing: this.#failing } : {}) }
  }

  /** Call this in every coordination cycle. Resolves when it has caught up or failed; one call at a time does work. */
  async follow({ purgeHead: head = beforeAll }: Pick<Snapshot, 'purgeHead'>): Promise<void> {
    if (this.#busy || isSame(head, this.#position)) return
    this.#busy = true
    try {
      await this.#catchUp(head)
    } catch (error) {
      this.#fail(this.#position.number + 1, error)
    } finally {
      this.#busy = false
    }
  }

  async #catchUp(head: PurgePosition): Promise<void> {
    const { list, log } = this.#options
    const missed = await list.after(this.#position)
    const last = missed?.at(-1)?.number ?? this.#position.number
    // A list that ends before its head has lost purges.
    if (missed === undefined || last < head.number) {
      log.info({ ...head }, 'cannot tell which purges this region has missed: purging everything')
      return this.#apply({ ...head, scope: { kind: 'all' } })
    }
    for (const purge of this.#merged(missed)) await this.#apply(purge)
  }

  #merged(missed: readonly Purge[]): readonly Purge[] {
    const { region, caches } = this.#options
    const last = missed.at(-1)
    if (missed.length <= mergedFrom || last === undefined) return missed
    const mine = missed.filter((purge) => concerns(purge, region))
    const { number, id } = last
    if (mine.length === 0) return [{ ...last, regions: [] }]
    return [
      { number, id, scope: { kind: mine.some(({ scope }) => caches.hasFiles(scope)) ? 'all' : 'pages' } },
    ]
  }

  async #apply(purge: Purge): Promise<void> {
    const { region, caches, file, log, onApplied } = this.#options
    const { number, id, scope } = purge
    if (concerns(purge, region)) {
      await caches.purge(scope)
      this.totals.applied += 1
      log.info({ number, ...scope }, 'purged')
    }
    this.#position = { number, id }
    this.#failing = undefined
    onApplied()
    // If it cannot be written, the next agent purges once more: that does no harm.
    await writeAside(file, JSON.stringify(this.#position), 0o600).catch(() => undefined)
  }

  #fail(number: number, error: unknown): void {
    const why = messageOf(error)
    this.totals.failed += 1
    if (this.#failing?.why !== why)
      this.#options.log.warn({ number, error: why }, 'could not purge; will retry')
    this.#failing = { number, why }
  }
}

const concerns = ({ regions }: Purge, region: string) => regions === undefined || regions.includes(region)

const isSame = (a: PurgePosition, b: PurgePosition) => a.number === b.number && a.id === b.id

/** A region without a readable file has applied nothing. */
function readPosition(file: string): PurgePosition {
  try {
    const read = purgeHeadKind.read({ value: readFileSync(file, 'utf8') })
    return 'value' in read ? read.value : beforeAll
  } catch {
    return beforeAll
  }
}

/** The purges of an agent's own region. */
export function purgesOf(
  agent: Pick<AgentBase, 'context' | 'launcher' | 'store' | 'log'> & { plan: RegionPlan },
  onApplied: () => void,
): Purges {
  const { context, launcher, plan, store, log } = agent
  const { folder, region, topology } = context
  return new Purges({
    region: region.name,
    list: store.purges,
    caches: cachesOf({
      topology,
      plan,
      launcher,
      varnish: varnishControl((command) => runToEnd(launcher.prepare('engine', command, {}), 30_000)),
      haproxy: haproxyIn(folder, 5000),
    }),
    file: join(folder, 'run', 'purged.json'),
    log,
    onApplied,
  })
}
