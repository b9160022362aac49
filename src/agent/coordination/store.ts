import type { RegionContext } from '../../engines/context.ts'
import { etcdEndpoints } from '../../engines/etcd/render.ts'
import { patroniPrefix } from '../../engines/postgres/render.ts'
import type { SyncRecord } from '../../failover/durability.ts'
import type { Action, Leader, Observation, RegionHealth, View } from '../../failover/types.ts'
import type { Compare, KeyValue } from '../../lib/etcd/wire.ts'
import { Etcd, type MemberStatus } from '../../lib/etcd.ts'
import type { TableReport } from '../../steering/agreement.ts'
import type { DatabaseState } from '../database/monitor.ts'
import {
  decodeRelease,
  encodeRelease,
  isFailed,
  type ReleaseOutcome,
  type ReleaseState,
} from '../release/state.ts'
import { decodeHead, PurgeList, type PurgePosition, type PurgeState, purgeHeadKey } from './purge-list.ts'

/**
 * The state store that the agents share: keys in etcd below /nearside/<world>/.
 *
 *     agents/<region>    latest report of a region, under its agent's lease
 *     health/<region>    agreed health of a region
 *     served/<region>    run of the world in which the region was last healthy for the first time
 *     steering/table     revision of the steering table that all regions answer from
 *     claims/<lease>     region that carries out a revocation, under its agent's lease
 *     releases/<run>     state of the app's release command
 *     purges/…           purges of the caches; see purge-list.ts
 *     events/<time>…     decisions with their inputs; bounded
 */

type Report = {
  region: string
  /** The publisher's clock, for display only; readers measure ages themselves. */
  at: number
  version: string
  seen: Record<string, View>
  database: DatabaseState | undefined
  /** Absent in a region without caches. */
  purges?: PurgeState
  /** The agent's steering tables; absent in a region without DNS. */
  tables?: TableReport | undefined
}

export type Event = { at: number; region: string; kind: string; detail: Record<string, unknown> }

export type Snapshot = {
  /** By region: its report, and how long this reader has known it. */
  reports: Record<string, Report & { ageMs: number }>
  /** `first`: healthy for the first time in its run. `at`: the writer's clock; absent in entries of older versions. */
  health: Record<
    string,
    { state: RegionHealth; revision: string; sinceMs: number; first?: boolean; at?: number }
  >
  /** By region: the run of the world in which it was last healthy for the first time. */
  served: Record<string, string>
  /** The agreed steering table; `modRevision` is '0' before the first agreement. */
  table: { revision: string | undefined; modRevision: string; sinceMs: number }
  leader: Leader | undefined
  /** How long this reader has known the current revision of the leader key. */
  leaderSinceMs: number
  sync: SyncRecord
  /** By run. */
  releases: Record<string, ReleaseState | undefined>
  initialized: boolean
  /** The latest purge of the world; undefined when there was none. */
  purgeHead: PurgePosition | undefined
}

/** The event's key and value. `number` tells the writer's events of the same millisecond apart. */
export function eventEntry(world: string, event: Event, number: number): { key: string; value: string } {
  const at = String(event.at).padStart(15, '0')
  return { key: `/nearside/${world}/events/${at}-${event.region}-${number}`, value: JSON.stringify(event) }
}

const leaseSeconds = 3
const renewMs = 900
const eventsKept = 500
/** Including the outcomes of earlier runs, which nothing waits for, but which every cycle reads. */
const releasesKept = 5

export class StateStore {
  readonly etcd: Etcd
  readonly purges: PurgeList
  /** Client of this region's own member only. */
  readonly #member: Etcd
  readonly #world: string
  readonly #root: string
  readonly #service: string
  readonly #purgeHead: string
  readonly #region: string
  readonly #now: () => number
  readonly #votes: boolean
  #lease: string | undefined
  #renewedAt = 0
  #firstSeen = new Map<string, { revision: string; at: number }>()
  #written = 0
  #pruning: Promise<void> | undefined

  /** `now`: a monotonic clock in milliseconds. */
  constructor(context: RegionContext, now: () => number) {
    const login = { username: 'root', password: context.secrets.etcd }
    this.etcd = new Etcd({ endpoints: etcdEndpoints(context), ...login })
    this.#member = new Etcd({ endpoints: etcdEndpoints(context).slice(0, 1), ...login })
    this.#world = context.topology.name
    this.purges = new PurgeList(this.etcd, context.topology.name)
    this.#purgeHead = purgeHeadKey(context.topology.name)
    this.#root = `/nearside/${context.topology.name}/`
    this.#service = patroniPrefix(context.topology.name)
    this.#region = context.region.name
    this.#votes = context.region.votes
    this.#now = now
  }

  /** The state of a release that this region's agent has claimed, until it has an outcome. */
  get claim(): ReleaseState {
    return { kind: 'running', region: this.#region }
  }

  async publish(report: Report): Promise<void> {
    if (this.#now() - this.#renewedAt > renewMs || this.#lease === undefined) {
      if (this.#lease === undefined || !(await this.etcd.keepAlive(this.#lease)))
        this.#lease = await this.etcd.grantLease(leaseSeconds)
      this.#renewedAt = this.#now()
    }
    await this.etcd.put(`${this.#root}agents/${this.#region}`, JSON.stringify(report), { lease: this.#lease })
  }

  /** Removes this agent's report, which tells the others that it has stopped. */
  async withdraw(): Promise<void> {
    if (this.#lease !== undefined) await this.etcd.revokeLease(this.#lease)
    this.#lease = undefined
  }

  async read(): Promise<Snapshot> {
    const root = this.#root
    const [agents, health, served, table, releases, leader, sync, initialize, purgeHead] =
      await this.etcd.read([
        { key: `${root}agents/`, prefix: true },
        { key: `${root}health/`, prefix: true },
        { key: `${root}served/`, prefix: true },
        { key: `${root}steering/table` },
        { key: `${root}releases/`, prefix: true },
        { key: `${this.#service}leader` },
        { key: `${this.#service}sync` },
        { key: `${this.#service}initialize` },
        { key: this.#purgeHead },
      ])
    return {
      reports: this.#byName(agents!, (kv) => ({
        ...(JSON.parse(kv.value) as Report),
        ageMs: this.#ageMs(kv),
      })),
      health: this.#byName(health!, (kv) => ({
        ...(JSON.parse(kv.value) as { state: RegionHealth; first?: boolean; at?: number }),
        revision: kv.modRevision,
        sinceMs: this.#ageMs(kv),
      })),
      served: this.#byName(served!, (kv) => kv.value),
      table: {
        revision: table![0]?.value,
        modRevision: table![0]?.modRevision ?? '0',
        sinceMs: table![0] ? this.#ageMs(table![0]) : 0,
      },
      releases: this.#byName(releases!, (kv) => decodeRelease(kv.value)),
      leader: leader![0] && leaderOf(leader![0]),
      leaderSinceMs: leader![0] ? this.#ageMs(leader![0]) : 0,
      sync: syncOf(sync![0]),
      initialized: (initialize![0]?.value ?? '') !== '',
      purgeHead: purgeHead![0] && decodeHead(purgeHead![0].value),
    }
  }

  /** True when this agent made the change. */
  async setHealth(action: Extract<Action, { kind: 'setHealth' }>): Promise<boolean> {
    const key = `${this.#root}health/${action.region}`
    return this.etcd.transact(
      [{ key, target: 'MOD', mod_revision: action.revision }],
      [{ put: { key, value: JSON.stringify({ state: action.state, first: action.first, at: Date.now() }) } }],
    )
  }

  /** Remembers that the region has been healthy in this run: from now on it can only come back. */
  async markServed(region: string, run: string): Promise<void> {
    await this.etcd.put(`${this.#root}served/${region}`, run)
  }

  /** Agrees on a steering table, if no other agent has done so since. */
  async agreeTable(revision: string, before: string): Promise<boolean> {
    const key = `${this.#root}steering/table`
    return this.etcd.transact(
      [{ key, target: 'MOD', mod_revision: before }],
      [{ put: { key, value: revision } }],
    )
  }

  /**
   * Revokes the lease behind Patroni's leader key, if that key is unchanged since the decision. The claim lets one
   * agent act, and lets it retry if its revocation got no answer. It is attached to that agent's own lease, so another
   * agent can take over if the claimant crashes.
   *
   * Revoking is safe even if the key changes hands in between: a lease belongs to one Patroni session, and a session
   * without the leader key loses nothing by it.
   *
   * `to` is stored for Patroni as a switchover from the unreachable region. Patroni would elect the same standby, since
   * it accepts only a sync standby, but only after waiting up to 2 s for an answer from the unreachable primary.
   */
  async revokeLeader(leader: Leader, to?: string): Promise<boolean> {
    const claim = `${this.#root}claims/${leader.lease}`
    const unchanged: Compare[] = [
      { key: `${this.#service}leader`, target: 'MOD', mod_revision: leader.modRevision },
      { key: `${this.#service}leader`, target: 'VALUE', value: leader.region },
    ]
    const switchover = JSON.stringify({ leader: leader.region, member: to })
    const mine =
      (await this.etcd.transact(
        [...unchanged, { key: claim, target: 'CREATE', create_revision: '0' }],
        [
          { put: { key: claim, value: this.#region, lease: this.#lease } },
          ...(to === undefined ? [] : [{ put: { key: `${this.#service}failover`, value: switchover } }]),
        ],
      )) ||
      (await this.etcd.transact([...unchanged, { key: claim, target: 'VALUE', value: this.#region }], []))
    if (mine) await this.etcd.revokeLease(leader.lease)
    return mine
  }

  /** Whether Patroni has a pending request to move the primary from `leader` to `to`. */
  async isMoving(leader: string, to: string): Promise<boolean> {
    const [found] = await this.etcd.get(`${this.#service}failover`)
    if (!found) return false
    const wanted = JSON.parse(found.value) as { leader?: string; member?: string }
    return wanted.leader === leader && wanted.member === to
  }

  /** False if the region's own member is not the leader any more, or does not answer: only the leader accepts this. */
  async moveEtcdLeader(to: string): Promise<boolean> {
    try {
      const { idByName } = await this.#member.members()
      const target = idByName[to]
      if (target !== undefined) await this.#member.moveLeader(target)
      return target !== undefined
    } catch {
      return false
    }
  }

  /** Status of the region's own member; undefined in a region without one, or when it does not answer. */
  async ownMember(): Promise<MemberStatus | undefined> {
    return this.#votes ? this.#member.status().catch(() => undefined) : undefined
  }

  /**
   * True for the one agent that must run the release; its claim expires with its lease. An agent takes over an
   * abandoned claim of its own region, from an agent that crashed or from a call that got no answer.
   */
  async claimRelease(run: string): Promise<boolean> {
    const key = `${this.#root}releases/${run}`
    const value = encodeRelease(this.claim)
    const put = [{ put: { key, value, lease: this.#lease } }]
    return (
      (await this.etcd.transact([{ key, target: 'CREATE', create_revision: '0' }], put)) ||
      (await this.etcd.transact([{ key, target: 'VALUE', value }], put))
    )
  }

  /**
   * Stores the outcome of a release that this agent has claimed; `undefined` gives the claim back. Safe to retry after
   * a call without an answer. A claim or outcome of another agent is never overwritten.
   */
  async settleRelease(run: string, outcome: ReleaseOutcome | undefined): Promise<void> {
    const key = `${this.#root}releases/${run}`
    const mine: Compare = { key, target: 'VALUE', value: encodeRelease(this.claim) }
    if (outcome === undefined) return void (await this.etcd.transact([mine], [{ delete: { key } }]))
    const put = [{ put: { key, value: encodeRelease(outcome) } }]
    const done =
      (await this.etcd.transact([mine], put)) ||
      // The claim has expired with its lease, and no other agent has claimed the release.
      (await this.etcd.transact([{ key, target: 'CREATE', create_revision: '0' }], put))
    if (done) await this.#forgetOldReleases().catch(() => undefined)
  }

  async #forgetOldReleases(): Promise<void> {
    const found = await this.etcd.get(`${this.#root}releases/`, { prefix: true, keysOnly: true })
    const newestFirst = found.sort((a, b) => Number(b.modRevision) - Number(a.modRevision))
    for (const { key } of newestFirst.slice(releasesKept)) await this.etcd.delete(key)
  }

  /** Allows another attempt. A release that is running or has succeeded is left alone. */
  async forgetFailedRelease(run: string): Promise<void> {
    const key = `${this.#root}releases/${run}`
    const [found] = await this.etcd.get(key)
    if (!found || !isFailed(decodeRelease(found.value))) return
    await this.etcd.transact([{ key, target: 'MOD', mod_revision: found.modRevision }], [{ delete: { key } }])
  }

  /** Events are only for operators, so callers must not fail when one cannot be written. */
  async record(kind: string, detail: Record<string, unknown>): Promise<void> {
    const event: Event = { at: Date.now(), region: this.#region, kind, detail }
    this.#written += 1
    const { key, value } = eventEntry(this.#world, event, this.#written)
    await this.etcd.put(key, value)
    // In the background, since the caller waits for the event to be written.
    this.#pruning ??= this.#prune()
      .catch(() => undefined)
      .finally(() => {
        this.#pruning = undefined
      })
  }

  /** Oldest first. */
  async events(): Promise<Event[]> {
    const found = await this.etcd.get(`${this.#root}events/`, { prefix: true })
    return found.map((kv) => JSON.parse(kv.value) as Event)
  }

  async #prune(): Promise<void> {
    const found = await this.etcd.get(`${this.#root}events/`, { prefix: true, keysOnly: true })
    const firstKept = found.at(-eventsKept)
    if (found.length > eventsKept) await this.etcd.deleteRange(found[0]!.key, firstKept!.key)
  }

  #byName<T>(found: KeyValue[], make: (kv: KeyValue) => T): Record<string, T> {
    return Object.fromEntries(found.map((kv) => [kv.key.slice(kv.key.lastIndexOf('/') + 1), make(kv)]))
  }

  /** How long this reader has known this revision of the key. */
  #ageMs(kv: KeyValue): number {
    const known = this.#firstSeen.get(kv.key)
    if (known?.revision === kv.modRevision) return this.#now() - known.at
    this.#firstSeen.set(kv.key, { revision: kv.modRevision, at: this.#now() })
    return 0
  }
}

function leaderOf(kv: KeyValue): Leader {
  return { region: kv.value, lease: kv.lease, modRevision: kv.modRevision }
}

function syncOf(kv: KeyValue | undefined): SyncRecord {
  try {
    const raw = JSON.parse(kv?.value ?? '{}') as { leader?: string | null; sync_standby?: string | null }
    const standbys = (raw.sync_standby ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    return { ...(raw.leader ? { leader: raw.leader } : {}), standbys }
  } catch {
    return { standbys: [] }
  }
}

export function observationsOf(snapshot: Snapshot): Record<string, Observation> {
  return Object.fromEntries(
    Object.entries(snapshot.reports).map(([region, { ageMs, seen }]) => [region, { ageMs, seen }]),
  )
}
