import type { KeyValue } from '../../lib/etcd/wire.ts'
import { damageIn } from './keys/all.ts'
import { type HealthEntry, healthKind } from './keys/health.ts'
import { type Damage, type KeyKind, nameIn } from './keys/kind.ts'
import { isUnheld, patroniDamage, patroniKeys, readLeader, readSync } from './keys/patroni.ts'
import { type PurgePosition, purgeHeadKind } from './keys/purges.ts'
import { releaseKind } from './keys/release.ts'
import { reportKind } from './keys/report.ts'
import { servedKind } from './keys/served.ts'
import { steeringTableKind } from './keys/steering-table.ts'
import type { Snapshot } from './snapshot.ts'

type Options = {
  /** Of the world's keys. */
  root: string
  /** Of Patroni's keys. */
  service: string
  /** The names of the world's regions. */
  regions: readonly string[]
  /** The last purge of the list, for a head that is damaged or missing. */
  lastPurge: () => Promise<PurgePosition | undefined>
  /** A monotonic clock in milliseconds. */
  now: () => number
}

/**
 * Turns the keys that every cycle reads into a snapshot. A damaged value is skipped, and is then as good as absent,
 * except for an agreed health: the last one that this agent has read stands, so that a lost region stays lost.
 */
export class SnapshotReader {
  readonly #options: Options
  readonly #firstSeen = new Map<string, { revision: string; at: number }>()
  readonly #lastHealth = new Map<string, HealthEntry>()

  constructor(options: Options) {
    this.#options = options
  }

  /** What to read, in the order that `snapshot` expects. */
  get ranges(): { key: string; prefix?: boolean }[] {
    const { root, service } = this.#options
    const ours = [reportKind, healthKind, servedKind, steeringTableKind, releaseKind, purgeHeadKind]
    const patronis = [patroniKeys.leader, patroniKeys.sync, patroniKeys.initialize]
    return [
      ...ours.map(({ path }) => ({ key: root + path, ...(path.endsWith('/') ? { prefix: true } : {}) })),
      ...patronis.map((name) => ({ key: service + name })),
    ]
  }

  async snapshot(found: readonly KeyValue[][]): Promise<Snapshot> {
    const [agents, health, served, table, releases, head, leader, sync, initialize] = found
    const damaged: Damage[] = []
    const all = <T>(kind: KeyKind<T>, kvs: readonly KeyValue[] = []) =>
      kvs.flatMap((kv) => {
        const name = nameIn(kind, this.#options.root, kv.key)
        if (name === undefined) return []
        const reading = kind.read(kv)
        const damage = damageIn(kind, name, kv.key, reading)
        if (damage) damaged.push(damage)
        return [{ name, kv, value: 'value' in reading ? reading.value : undefined }]
      })
    const byName = <T>(kind: KeyKind<T>, kvs?: readonly KeyValue[]) =>
      all(kind, kvs).flatMap(({ name, kv, value }) => (value === undefined ? [] : [{ name, kv, value }]))
    const [agreed] = all(steeringTableKind, table)
    const [purgeHead] = all(purgeHeadKind, head)
    return {
      reports: Object.fromEntries(
        byName(reportKind, agents).map(({ name, kv, value }) => [name, { ...value, ageMs: this.#ageMs(kv) }]),
      ),
      health: Object.fromEntries(
        all(healthKind, health).map(({ name, kv, value }) => [
          name,
          { ...this.#healthOf(name, value), revision: kv.modRevision, sinceMs: this.#ageMs(kv) },
        ]),
      ),
      served: Object.fromEntries(byName(servedKind, served).map(({ name, value }) => [name, value])),
      table: {
        revision: agreed?.value,
        modRevision: agreed?.kv.modRevision ?? '0',
        sinceMs: agreed ? this.#ageMs(agreed.kv) : 0,
      },
      releases: Object.fromEntries(all(releaseKind, releases).map(({ name, value }) => [name, value])),
      ...this.#patronis(leader?.[0], sync?.[0], damaged),
      initialized: (initialize?.[0]?.value ?? '') !== '',
      purgeHead: purgeHead?.value ?? (await this.#options.lastPurge()),
      damaged,
    }
  }

  #patronis(
    leader: KeyValue | undefined,
    sync: KeyValue | undefined,
    damaged: Damage[],
  ): Pick<Snapshot, 'leader' | 'unheldLeader' | 'leaderSinceMs' | 'sync'> {
    const led = leader && readLeader(leader, this.#options.regions)
    const recorded = sync && readSync(sync)
    const isStray = led !== undefined && 'damaged' in led && isUnheld(leader!)
    if (led && 'damaged' in led)
      damaged.push(
        patroniDamage(leader.key, led.damaged, isStray ? 'an agent removes it' : 'its lease expires'),
      )
    if (recorded && 'damaged' in recorded) damaged.push(patroniDamage(sync.key, recorded.damaged))
    return {
      leader: led && 'value' in led ? led.value : undefined,
      ...(isStray ? { unheldLeader: { modRevision: leader!.modRevision } } : {}),
      leaderSinceMs: leader ? this.#ageMs(leader) : 0,
      sync: recorded && 'value' in recorded ? recorded.value : { standbys: [] },
    }
  }

  #healthOf(region: string, value: HealthEntry | undefined): HealthEntry {
    if (value) this.#lastHealth.set(region, value)
    return value ?? this.#lastHealth.get(region) ?? { state: 'healthy' }
  }

  /** How long this reader has known this revision of the key. */
  #ageMs(kv: KeyValue): number {
    const { now } = this.#options
    const known = this.#firstSeen.get(kv.key)
    if (known?.revision === kv.modRevision) return now() - known.at
    this.#firstSeen.set(kv.key, { revision: kv.modRevision, at: now() })
    return 0
  }
}
