import type { RegionContext } from '../../engines/context.ts'
import { etcdEndpoints } from '../../engines/etcd/render.ts'
import { patroniPrefix } from '../../engines/postgres/render.ts'
import type { Action, Leader } from '../../failover/types.ts'
import type { Compare } from '../../lib/etcd/wire.ts'
import { Etcd, type MemberStatus } from '../../lib/etcd.ts'
import { isFailed, type ReleaseOutcome, type ReleaseState } from '../release/state.ts'
import { damageOf } from './keys/all.ts'
import { claimKind } from './keys/claim.ts'
import { type Event, eventEntry, eventKind } from './keys/event.ts'
import { encodeHealth, healthKind } from './keys/health.ts'
import { type Damage, type KeyKind, worldRoot } from './keys/kind.ts'
import { encodeMove, isMove, patroniKeys } from './keys/patroni.ts'
import { purgeKind } from './keys/purges.ts'
import { encodeRelease, releaseKind } from './keys/release.ts'
import { encodeReport, type Report, reportKind } from './keys/report.ts'
import { servedKind } from './keys/served.ts'
import { steeringTableKind } from './keys/steering-table.ts'
import { PurgeList } from './purge-list.ts'
import type { Snapshot } from './snapshot.ts'
import { SnapshotReader } from './snapshot-reader.ts'

const leaseSeconds = 3
const renewMs = 900
const eventsKept = 500
/** Including the outcomes of earlier runs, which nothing waits for, but which every cycle reads. */
const releasesKept = 5

/**
 * The state store that the agents share: keys in etcd below /nearside/<world>/, one module each in keys/, and the keys of
 * Patroni.
 */
export class StateStore {
  readonly etcd: Etcd
  readonly purges: PurgeList
  /** Client of this region's own member only. */
  readonly #member: Etcd
  readonly #world: string
  readonly #root: string
  readonly #service: string
  readonly #reader: SnapshotReader
  readonly #region: string
  readonly #now: () => number
  readonly #votes: boolean
  #lease: string | undefined
  #renewedAt = 0
  #written = 0
  #pruning: Promise<void> | undefined

  /** `now`: a monotonic clock in milliseconds. */
  constructor(context: RegionContext, now: () => number) {
    const login = { username: 'root', password: context.secrets.etcd }
    this.etcd = new Etcd({ endpoints: etcdEndpoints(context), ...login })
    this.#member = new Etcd({ endpoints: etcdEndpoints(context).slice(0, 1), ...login })
    this.#world = context.topology.name
    this.purges = new PurgeList(this.etcd, context.topology.name)
    this.#root = worldRoot(context.topology.name)
    this.#service = patroniPrefix(context.topology.name)
    this.#region = context.region.name
    this.#votes = context.region.votes
    this.#now = now
    this.#reader = new SnapshotReader({
      root: this.#root,
      service: this.#service,
      regions: context.regions.map((region) => region.name),
      lastPurge: () => this.purges.last(),
      now,
    })
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
    await this.etcd.put(this.#key(reportKind, this.#region), encodeReport(report), { lease: this.#lease })
  }

  /** Removes this agent's report, which tells the others that it has stopped. */
  async withdraw(): Promise<void> {
    if (this.#lease !== undefined) await this.etcd.revokeLease(this.#lease)
    this.#lease = undefined
  }

  async read(): Promise<Snapshot> {
    return this.#reader.snapshot(await this.etcd.read(this.#reader.ranges))
  }

  /** Damage in the keys that cycles do not read. */
  async rarelyReadDamage(): Promise<Damage[]> {
    const ranges = [claimKind, purgeKind, eventKind].map(({ path }) => ({
      key: this.#root + path,
      prefix: true,
    }))
    const found = (await this.etcd.read(ranges)).flat()
    return found.flatMap((kv) => damageOf(kv, this.#root) ?? [])
  }

  /** True when this agent made the change. */
  async setHealth(action: Extract<Action, { kind: 'setHealth' }>): Promise<boolean> {
    const { region, state, first } = action
    const key = this.#key(healthKind, region)
    return this.etcd.transact(
      [{ key, target: 'MOD', mod_revision: action.revision }],
      [{ put: { key, value: encodeHealth({ state, first, at: Date.now() }) } }],
    )
  }

  /** Remembers that the region has been healthy in this run: from now on it can only come back. */
  async markServed(region: string, run: string): Promise<void> {
    await this.etcd.put(this.#key(servedKind, region), run)
  }

  /** Agrees on a steering table, if no other agent has done so since. */
  async agreeTable(revision: string, before: string): Promise<boolean> {
    const key = this.#root + steeringTableKind.path
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
    const claim = this.#key(claimKind, leader.lease)
    const leaderKey = this.#service + patroniKeys.leader
    const unchanged: Compare[] = [
      { key: leaderKey, target: 'MOD', mod_revision: leader.modRevision },
      { key: leaderKey, target: 'VALUE', value: leader.region },
    ]
    const acquire = (free: Compare) =>
      this.etcd.transact(
        [...unchanged, free],
        [
          { put: { key: claim, value: this.#region, lease: this.#lease } },
          ...(to === undefined
            ? []
            : [{ put: { key: this.#service + patroniKeys.failover, value: encodeMove(leader.region, to) } }]),
        ],
      )
    const mine =
      (await acquire({ key: claim, target: 'CREATE', create_revision: '0' })) ||
      (await this.etcd.transact([...unchanged, { key: claim, target: 'VALUE', value: this.#region }], [])) ||
      (await this.#ifDamaged(claimKind, claim, acquire))
    if (mine) await this.etcd.revokeLease(leader.lease)
    return mine
  }

  /** Removes a leader key that nobody holds, if it is still the same. Patroni then elects by its own rules. */
  async removeUnheldLeader({ modRevision }: NonNullable<Snapshot['unheldLeader']>): Promise<boolean> {
    const key = this.#service + patroniKeys.leader
    return this.etcd.transact([{ key, target: 'MOD', mod_revision: modRevision }], [{ delete: { key } }])
  }

  /** Whether Patroni has a pending request to move the primary from `leader` to `to`. */
  async isMoving(leader: string, to: string): Promise<boolean> {
    const [found] = await this.etcd.get(this.#service + patroniKeys.failover)
    return found !== undefined && isMove(found, leader, to)
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
   * abandoned claim of its own region, from an agent that crashed or from a call that got no answer. It also takes a
   * damaged value's place: the outcome is lost, and the release may be repeated.
   */
  async claimRelease(run: string): Promise<boolean> {
    const key = this.#key(releaseKind, run)
    const value = encodeRelease(this.claim)
    const acquire = (free: Compare) =>
      this.etcd.transact([free], [{ put: { key, value, lease: this.#lease } }])
    return (
      (await acquire({ key, target: 'CREATE', create_revision: '0' })) ||
      (await acquire({ key, target: 'VALUE', value })) ||
      (await this.#ifDamaged(releaseKind, key, acquire))
    )
  }

  /**
   * Stores the outcome of a release that this agent has claimed; `undefined` gives the claim back. Safe to retry after
   * a call without an answer. A claim or outcome of another agent is never overwritten.
   */
  async settleRelease(run: string, outcome: ReleaseOutcome | undefined): Promise<void> {
    const key = this.#key(releaseKind, run)
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
    const found = await this.etcd.get(this.#root + releaseKind.path, { prefix: true, keysOnly: true })
    const newestFirst = found.sort((a, b) => Number(b.modRevision) - Number(a.modRevision))
    for (const { key } of newestFirst.slice(releasesKept)) await this.etcd.delete(key)
  }

  /** Allows another attempt. A release that is running or has succeeded is left alone. */
  async forgetFailedRelease(run: string): Promise<void> {
    const key = this.#key(releaseKind, run)
    const [found] = await this.etcd.get(key)
    const read = found && releaseKind.read(found)
    if (!read || !('value' in read) || !isFailed(read.value)) return
    await this.etcd.transact(
      [{ key, target: 'MOD', mod_revision: found!.modRevision }],
      [{ delete: { key } }],
    )
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

  /** Oldest first, without damaged ones. */
  async events(): Promise<Event[]> {
    const found = await this.etcd.get(this.#root + eventKind.path, { prefix: true })
    return found.flatMap((kv) => {
      const read = eventKind.read(kv)
      return 'value' in read ? [read.value] : []
    })
  }

  async #prune(): Promise<void> {
    const found = await this.etcd.get(this.#root + eventKind.path, { prefix: true, keysOnly: true })
    const firstKept = found.at(-eventsKept)
    if (found.length > eventsKept) await this.etcd.deleteRange(found[0]!.key, firstKept!.key)
  }

  #key(kind: KeyKind<unknown>, name: string): string {
    return this.#root + kind.path + name
  }

  /** Calls `acquire` with the condition that the damaged value is still there; false if the value is not damaged. */
  async #ifDamaged(
    kind: KeyKind<unknown>,
    key: string,
    acquire: (free: Compare) => Promise<boolean>,
  ): Promise<boolean> {
    const [found] = await this.etcd.get(key)
    if (!found || !('damaged' in kind.read(found))) return false
    return acquire({ key, target: 'MOD', mod_revision: found.modRevision })
  }
}
