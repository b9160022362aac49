import pg from 'pg'
import type { RegionContext } from '../../engines/context.ts'
import { getJson } from '../../lib/http.ts'

/** What a region's database says of itself. */
export type DatabaseState = {
  role: 'primary' | 'replica' | 'unknown'
  timeline?: number
  /** Position of the last WAL written (primary) or replayed (replica). */
  lsn?: string
  /** On a replica: age of the primary's heartbeat as it shows here, by this machine's clock; 0 on the primary. */
  heartbeatAgeMs?: number
  /** On the primary: what it knows of each standby that streams from it. */
  standbys?: Standby[]
  /** On a replica: whether Patroni's sync record names it, so that it may take over; by its own Patroni. */
  recorded?: boolean
  /** What Patroni says is going on ("running", "streaming", "starting", …). */
  state?: string
  /** On a replica: the WAL segment that it needs and the primary has no more; its data is to be copied anew. */
  missingWal?: string
}

type Standby = {
  region: string
  /** Every commit waits for it. */
  synchronous: boolean
  /** From the primary's flush to the standby's replay of the same WAL, as PostgreSQL measured it on the last beat. */
  lagMs: number
  lagBytes: number
}

type PatroniStatus = {
  state?: string
  role?: string
  timeline?: number
  sync_standby?: boolean
  xlog?: { location?: number; replayed_location?: number; received_location?: number }
}

/**
 * Watches the local database: asks Patroni what it is, and beats the heart when it is the primary. A beat is one
 * updated row a second, so that there is always something to replicate: PostgreSQL then measures each standby's lag
 * itself, by one clock, on an idle database too. A replica that does not stream tells by the age of the last beat that
 * it has replayed.
 */
export class DatabaseMonitor {
  readonly #context: RegionContext
  #client: pg.Client | undefined
  #state: DatabaseState = { role: 'unknown' }

  constructor(context: RegionContext) {
    this.#context = context
  }

  get state(): DatabaseState {
    return this.#state
  }

  async round(timeoutMs: number): Promise<void> {
    const patroni = await this.#patroni(timeoutMs)
    if (!patroni) {
      this.#state = { role: 'unknown', state: 'Patroni does not answer' }
      return
    }
    const role = patroni.role === 'primary' || patroni.role === 'master' ? 'primary' : 'replica'
    const next: DatabaseState = { role, state: patroni.state, timeline: patroni.timeline }
    if (role === 'replica') next.recorded = patroni.sync_standby === true
    const position = patroni.xlog?.location ?? patroni.xlog?.replayed_location
    if (position !== undefined) next.lsn = formatLsn(position)
    if (patroni.state === 'running' || patroni.state === 'streaming') {
      try {
        Object.assign(next, await this.#measure(role, timeoutMs))
      } catch {
        await this.#disconnect()
      }
    }
    this.#state = next
  }

  async close(): Promise<void> {
    await this.#disconnect()
  }

  async #measure(role: 'primary' | 'replica', timeoutMs: number): Promise<Partial<DatabaseState>> {
    const client = await this.#connect(timeoutMs)
    if (role === 'primary') {
      const beat = `UPDATE nearside.heartbeat SET region = $1, at = clock_timestamp() WHERE id = 1`
      // The beat itself need not wait for another region: it is for measuring, not for keeping.
      await client.query('BEGIN; SET LOCAL synchronous_commit = local')
      await client.query(beat, [this.#context.region.name])
      await client.query('COMMIT')
      const standbys = await client.query<Standby>(
        `SELECT application_name AS region, sync_state IN ('sync', 'quorum') AS synchronous,
                coalesce(extract(epoch FROM replay_lag) * 1000, 0)::float8 AS "lagMs",
                coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::float8 AS "lagBytes"
           FROM pg_stat_replication WHERE state = 'streaming' ORDER BY 1`,
      )
      return { heartbeatAgeMs: 0, standbys: standbys.rows }
    }
    const found = await client.query<{ age: number }>(
      `SELECT (extract(epoch FROM clock_timestamp() - at) * 1000)::float8 AS age FROM nearside.heartbeat`,
    )
    const row = found.rows[0]
    return row ? { heartbeatAgeMs: Math.max(0, Math.round(row.age)) } : {}
  }

  async #connect(timeoutMs: number): Promise<pg.Client> {
    if (this.#client) return this.#client
    const { region, topology, secrets } = this.#context
    const client = new pg.Client({
      host: region.address,
      port: topology.ports.postgres,
      user: 'monitor',
      password: secrets.monitor,
      database: 'postgres',
      application_name: 'nearside-agent',
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    })
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined
    })
    await client.connect()
    this.#client = client
    return client
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  #patroni(timeoutMs: number): Promise<PatroniStatus | undefined> {
    const { region, topology } = this.#context
    return getJson({ host: region.address, port: topology.ports.patroni, path: '/patroni', timeoutMs })
  }
}

/** 0x1/0x2F… as PostgreSQL writes positions. */
function formatLsn(position: number): string {
  const value = BigInt(position)
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffff_ffffn).toString(16).toUpperCase()}`
}
