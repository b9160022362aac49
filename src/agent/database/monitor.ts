import pg from 'pg'
import type { RegionContext } from '../../engines/context.ts'
import { getJson } from '../../lib/http.ts'

/** State of a region's own database. */
export type DatabaseState = {
  role: 'primary' | 'replica' | 'unknown'
  timeline?: number
  /** Position of the last WAL written (primary) or replayed (replica). */
  lsn?: string
  /** On a replica: age of the last replayed heartbeat by this machine's clock; 0 on the primary. */
  heartbeatAgeMs?: number
  /** On the primary: the standbys that stream from it. */
  standbys?: Standby[]
  /** On a replica: whether Patroni's sync record names it, so that it may be promoted, according to its own Patroni. */
  recorded?: boolean
  /** State from Patroni: "running", "streaming", "starting", … */
  state?: string
  /** On a replica: the WAL segment that it needs and the primary no longer has; the replica must be reinitialised. */
  missingWal?: string
}

type Standby = {
  region: string
  /** Every commit waits for it. */
  synchronous: boolean
  /**
   * From the primary's flush to the standby's replay of the same WAL, measured by PostgreSQL for the last heartbeat.
   */
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
 * Monitors the local database: polls Patroni for its role and, on the primary, writes the heartbeat. The heartbeat
 * updates one row per second, so there is always something to replicate, and PostgreSQL itself measures each standby's
 * lag with a single clock, even while the database is idle. A replica that is not streaming reports the age of the last
 * heartbeat that it has replayed.
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

  async poll(timeoutMs: number): Promise<void> {
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
      const heartbeat = `UPDATE nearside.heartbeat SET region = $1, at = clock_timestamp() WHERE id = 1`
      // The heartbeat is only for measuring, so it need not wait for another region.
      await client.query('BEGIN; SET LOCAL synchronous_commit = local')
      await client.query(heartbeat, [this.#context.region.name])
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

/** Formats a WAL position like PostgreSQL: `1/2F000060`. */
function formatLsn(position: number): string {
  const value = BigInt(position)
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffff_ffffn).toString(16).toUpperCase()}`
}
