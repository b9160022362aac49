import { patroniRequest } from '../../engines/postgres/control.ts'
import { recordedStandbys } from '../../failover/durability.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Snapshot } from '../coordination/snapshot.ts'
import type { AgentBase } from '../types.ts'

/** Wakes a Patroni by a change of its configuration, which interrupts its sleep. The change has no other effect. */
export async function wakePatroni(
  { context, log }: Pick<AgentBase, 'context' | 'log'>,
  region: string,
  why: string,
): Promise<void> {
  const { address } = context.regions.find((one) => one.name === region)!
  const change = { nearside_woken: `${why} ${Date.now()}` }
  await patroniRequest(context, address, 'PATCH', '/config', change, 2000).catch((error) =>
    log.warn({ region, error: messageOf(error) }, 'could not wake Patroni'),
  )
}

/** Interval between two wake-ups of the same Patroni. */
const repeatMs = 700

/**
 * Wakes the region's own Patroni so that an election does not wait for it.
 *
 * When the etcd member of a Patroni's watch becomes unreachable, Patroni reads everything again from another member,
 * but acts on it only after its sleep of 5 s. So while there is no leader, each region's Patroni is woken repeatedly,
 * because the first call may run into the same unreachable member.
 *
 * A Patroni also stays with the member that answered last, even with a distant one after a partition. So it is woken
 * when any region's member becomes unreachable: it then finds another member before an election needs it.
 */
export class ElectionWakeup {
  readonly #agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>
  #wokenMs = -Infinity
  #unreachable: ReadonlySet<string> = new Set()

  constructor(agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>) {
    this.#agent = agent
  }

  /** Call this in every coordination cycle. */
  update({ initialized, leader, reports }: Snapshot): void {
    const { region } = this.#agent.context
    const seen = Object.entries(reports[region.name]?.seen ?? {})
    const unreachable = new Set(seen.filter(([, { etcd }]) => etcd?.ok === false).map(([name]) => name))
    const newlyUnreachable = [...unreachable].find((name) => !this.#unreachable.has(name))
    if (!region.full || !initialized || this.#agent.stopping) return
    const why = leader ? newlyUnreachable && `${newlyUnreachable} is unreachable` : 'there is no leader'
    const now = performance.now()
    // A member that becomes unreachable within `repeatMs` stays new, so its wake-up follows later.
    if (why && now - this.#wokenMs < repeatMs) return
    this.#unreachable = unreachable
    if (!why) return
    this.#wokenMs = now
    void wakePatroni(this.#agent, region.name, why)
  }
}

/** Wake-ups per standby. One that still waits after this many waits for something else than Patroni's next loop. */
const callsPerStandby = 10

/**
 * Wakes the primary's Patroni for a standby that is starting. Such a standby waits for it twice: to create the slot
 * that it streams from, and to notice that it streams and make commits wait for it. Patroni's loop runs every 5 s, and
 * until then acknowledged writes are in one region only. So the primary's agent wakes its own Patroni while a standby
 * waits.
 */
export class StandbyWakeup {
  readonly #agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>
  readonly #now: () => number
  #wokenMs = -Infinity
  #calls = new Map<string, number>()

  /** `now`: a monotonic clock in milliseconds. */
  constructor(
    agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>,
    now: () => number = () => performance.now(),
  ) {
    this.#agent = agent
    this.#now = now
  }

  /** Call this in every coordination cycle. */
  update(snapshot: Snapshot): void {
    const { region, topology } = this.#agent.context
    const leads = snapshot.leader?.region === region.name && !this.#agent.stopping
    const waiting = leads ? standbysWaiting(snapshot, topology.database.durability !== 'local') : []
    this.#calls = new Map(waiting.map((standby) => [standby, this.#calls.get(standby) ?? 0]))
    const next = waiting.find((standby) => this.#calls.get(standby)! < callsPerStandby)
    const now = this.#now()
    if (next === undefined || now - this.#wokenMs < repeatMs) return
    this.#wokenMs = now
    for (const [standby, calls] of this.#calls) this.#calls.set(standby, calls + 1)
    void wakePatroni(this.#agent, region.name, `${next} is starting`)
  }
}

/**
 * Regions whose database runs as a replica but is of no use yet: it is not streaming, or there is no sync standby at
 * all. A sync standby that has stopped streaming is left alone: Patroni's next loop would let commits continue without
 * it.
 */
function standbysWaiting({ reports, leader, sync }: Snapshot, synchronous: boolean): string[] {
  const own = leader && reports[leader.region]?.database
  if (own?.role !== 'primary' || !own.standbys) return []
  const streams = (region: string) => own.standbys!.some((standby) => standby.region === region)
  const recorded = recordedStandbys(sync, leader!.region)
  return Object.values(reports)
    .filter(
      ({ database }) => database?.role === 'replica' && /^(running|streaming)$/.test(database.state ?? ''),
    )
    .map(({ region }) => region)
    .filter((region) => !recorded.includes(region))
    .filter((region) => !streams(region) || (synchronous && recorded.length === 0))
}
