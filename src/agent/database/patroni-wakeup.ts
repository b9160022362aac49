import { patroniRequest } from '../../engines/postgres/control.ts'
import { recordedStandbys } from '../../failover/durability.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Snapshot } from '../coordination/store.ts'
import type { AgentBase } from '../types.ts'

/** Patroni coordination up from its pause whenever its configuration changes; this one changes nothing else. */
export async function wakePatroni(
  { context, log }: Pick<AgentBase, 'context' | 'log'>,
  region: string,
  why: string,
): Promise<void> {
  const { address } = context.regions.find((one) => one.name === region)!
  const note = { nearside_woken: `${why} ${Date.now()}` }
  await patroniRequest(context, address, 'PATCH', '/config', note, 2000).catch((error) =>
    log.warn({ region, error: messageOf(error) }, 'a database could not be woken'),
  )
}

/** Between two calls to the region's own Patroni. */
const againMs = 700

/**
 * A Patroni whose watch on etcd went through a member that has fallen silent reads everything anew from another one,
 * and does not look at what it has read until its pause of 5 s is over: the election waits for it. So while nobody
 * leads, each region's own Patroni is woken again and again: the first call may end in the same silence.
 *
 * A Patroni stays with the member that answered it last, after a partition also with one far away. So it is woken, too, when
 * another region's member falls silent: what that costs it to find another one, it does not cost the election.
 */
export class ElectionWakeup {
  readonly #agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>
  #wokenMs = -Infinity
  #silent: ReadonlySet<string> = new Set()

  constructor(agent: Pick<AgentBase, 'context' | 'log' | 'stopping'>) {
    this.#agent = agent
  }

  /** To be called after every look at the store state. */
  update({ initialized, leader, reports }: Snapshot): void {
    const { region } = this.#agent.context
    const seen = Object.entries(reports[region.name]?.seen ?? {})
    const silent = new Set(seen.filter(([, { etcd }]) => etcd?.ok === false).map(([name]) => name))
    const fallenSilent = [...silent].find((name) => !this.#silent.has(name))
    this.#silent = silent
    if (!region.full || !initialized || this.#agent.stopping) return
    const why = leader ? fallenSilent && `${fallenSilent} is unreachable` : 'nobody leads'
    const now = performance.now()
    if (!why || now - this.#wokenMs < againMs) return
    this.#wokenMs = now
    void wakePatroni(this.#agent, region.name, why)
  }
}

/** After that many calls for one standby: what has not come then waits for more than a look. */
const callsForStandby = 10

/**
 * A standby that comes up waits for the primary's Patroni twice: until that has made the slot that it streams from, and
 * until that has seen it stream and lets commits wait for it. Patroni coordination once in 5 s, and acknowledged writes are in one
 * region alone meanwhile. So the primary's agent wakes its own Patroni for as long as a standby waits.
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

  /** To be called after every look at the store state. */
  update(snapshot: Snapshot): void {
    const { region, topology } = this.#agent.context
    const leads = snapshot.leader?.region === region.name && !this.#agent.stopping
    const waiting = leads ? standbysWaiting(snapshot, topology.database.durability !== 'local') : []
    this.#calls = new Map(waiting.map((standby) => [standby, this.#calls.get(standby) ?? 0]))
    const next = waiting.find((standby) => this.#calls.get(standby)! < callsForStandby)
    const now = this.#now()
    if (next === undefined || now - this.#wokenMs < againMs) return
    this.#wokenMs = now
    for (const [standby, calls] of this.#calls) this.#calls.set(standby, calls + 1)
    void wakePatroni(this.#agent, region.name, `${next} comes up`)
  }
}

/**
 * Regions whose database runs as a replica and is of no use yet: it does not stream, or nobody may be promoted. One that
 * may be promoted and has stopped to stream is left alone: Patroni, looking now, would let commits go on without it.
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
