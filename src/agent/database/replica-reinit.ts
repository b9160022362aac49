import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { RegionContext } from '../../engines/context.ts'
import { patroniRequest } from '../../engines/postgres/control.ts'
import { missingWalIn } from '../../engines/postgres/log.ts'
import { freshMs } from '../../failover/fresh.ts'
import { mayReinit, type StuckReplica } from '../../failover/replica-reinit.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { getJson } from '../../lib/http.ts'
import type { CoordinationLoop } from '../coordination/loop.ts'
import type { AgentBase } from '../types.ts'
import type { DatabaseMonitor } from './monitor.ts'

/** How much of an existing log to read at first; the error repeats every second. */
const tailBytes = 65_536
/** Without the error for this long, the replica has received the missing WAL. */
const resolvedMs = 12_000
/** Time for the replica to stop and its slot to become inactive. */
const renewMs = 10_000

/**
 * Watches the local replica for the one fault that neither PostgreSQL nor Patroni recovers from: the primary has
 * removed WAL that the replica needs. It then has Patroni reinitialise the replica, if `mayReinit` permits that.
 */
export class ReplicaReinit {
  readonly #agent: Pick<AgentBase, 'context' | 'store' | 'log'>
  readonly #database: Pick<DatabaseMonitor, 'state'>
  readonly #coordination: Pick<CoordinationLoop, 'snapshot' | 'atMs' | 'failure'>
  readonly #clock: Clock
  readonly #log: LogTail
  #missing: { segment: string; sinceMs: number; lastMs: number } | undefined
  #attemptedMs = -Infinity
  #attempts = 0
  #acting = false

  constructor(
    agent: Pick<AgentBase, 'context' | 'store' | 'log'>,
    database: Pick<DatabaseMonitor, 'state'>,
    coordination: Pick<CoordinationLoop, 'snapshot' | 'atMs' | 'failure'>,
    clock: Clock = systemClock,
  ) {
    this.#clock = clock
    this.#agent = agent
    this.#database = database
    this.#coordination = coordination
    this.#log = new LogTail(join(agent.context.folder, 'log', 'postgres.log'))
  }

  /** The WAL segment that the replica needs and the primary no longer has. */
  get missing(): string | undefined {
    return this.#missing?.segment
  }

  /** Reads the new part of the log and acts on it. Call this about once a second. */
  async poll(): Promise<void> {
    const now = this.#clock.now()
    const segment = missingWalIn(await this.#log.read().catch(() => ''))
    if (segment !== undefined && segment === this.#missing?.segment) this.#missing.lastMs = now
    else if (segment !== undefined) this.#missing = { segment, sinceMs: now, lastMs: now }
    else if (this.#missing && now - this.#missing.lastMs > resolvedMs) this.#missing = undefined
    if (this.#missing && !this.#acting && mayReinit(this.#known(now))) {
      this.#acting = true
      await this.#reinit(this.#missing.segment).finally(() => {
        this.#acting = false
      })
    }
  }

  #known(now: number): StuckReplica {
    const { snapshot, atMs, failure } = this.#coordination
    // A stale snapshot does not show the current leader.
    const fresh = failure === undefined && now - atMs < freshMs ? snapshot : undefined
    const leader = fresh?.leader?.region
    const report = leader === undefined ? undefined : fresh?.reports[leader]
    const { state } = this.#database
    return {
      self: this.#agent.context.region.name,
      leader,
      // Even if the record names another primary: this may be the only other copy of writes that the latter
      // acknowledged.
      syncStandbys: fresh?.sync.standbys ?? [],
      role: state.role,
      state: state.role === 'unknown' ? undefined : state.state,
      timeline: state.timeline,
      primary: report?.database && { role: report.database.role, timeline: report.database.timeline },
      missingForMs: this.#missing ? this.#missing.lastMs - this.#missing.sinceMs : 0,
      sinceAttemptMs: now - this.#attemptedMs,
      attempts: this.#attempts,
    }
  }

  async #reinit(segment: string): Promise<void> {
    const { context, store, log } = this.#agent
    const { region } = context
    const from = this.#coordination.snapshot!.leader!.region
    this.#attemptedMs = this.#clock.now()
    this.#attempts += 1
    log.warn(
      { segment, from },
      'primary no longer has the WAL that this replica needs, reinitialising the replica',
    )
    try {
      // `force` also cancels a start that hangs because of the missing WAL.
      await patroniRequest(context, region.address, 'POST', '/reinitialize', { force: true }, 10_000)
      await this.#untilCopying()
      await renewSlot(context, from).catch((error) =>
        log.warn({ error: messageOf(error) }, 'could not re-create the replication slot'),
      )
      // Skips the last errors of the old data.
      await this.#log.read().catch(() => '')
      this.#missing = undefined
      await store.record('replicaReinit', { region: region.name, from, segment }).catch(() => undefined)
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'could not reinitialise the replica')
    }
  }

  /** Resolves when Patroni has stopped PostgreSQL and begun to copy. */
  async #untilCopying(): Promise<void> {
    const { region, topology } = this.#agent.context
    for (const until = performance.now() + renewMs; performance.now() < until; await sleep(100)) {
      const patroni = await getJson<{ state?: string }>({
        host: region.address,
        port: topology.ports.patroni,
        path: '/patroni',
        timeoutMs: 1000,
      })
      if (patroni?.state === 'creating replica') return
    }
  }
}

/**
 * Re-creates the replica's slot on the primary. A slot that has lost its WAL retains none from then on; a new slot
 * retains the WAL that is written during the copy. Patroni creates only missing slots. Call this after the old
 * PostgreSQL has stopped: it would use the new slot and set it back to its own position.
 */
async function renewSlot({ region, regions, topology, secrets }: RegionContext, from: string): Promise<void> {
  const client = new pg.Client({
    host: regions.find((one) => one.name === from)!.address,
    port: topology.ports.postgres,
    user: 'postgres',
    password: secrets.superuser,
    database: 'postgres',
    application_name: 'nearside-agent',
    connectionTimeoutMillis: 3000,
    query_timeout: 5000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    for (const until = performance.now() + renewMs; performance.now() < until; await sleep(200)) {
      // Fails if the slot becomes active between the check and the drop.
      await client.query(renewSlotSql, [slotOf(region.name)]).catch(() => undefined)
      const { rows } = await client.query(lostSlotSql, [slotOf(region.name)])
      if (rows.length === 0) return
    }
    throw new NearsideError(
      'slot_in_use',
      `${from}: the replication slot of ${region.name} is in use and cannot be re-created, so it retains no WAL`,
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * A checkpoint sets the reason. Before that, a client that requests old WAL sets its slot back, which shows as lost.
 */
const lost = `(wal_status = 'lost' OR invalidation_reason IS NOT NULL)`

const lostSlotSql = `
  SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND ${lost}`

/** Drops and creates the slot in one statement. A slot that is active or valid is left alone. */
export const renewSlotSql = `
  SELECT pg_create_physical_replication_slot(slot, true)
    FROM (SELECT slot_name AS slot, pg_drop_replication_slot(slot_name)
            FROM pg_replication_slots
           WHERE slot_name = $1 AND slot_type = 'physical' AND NOT active AND ${lost}
          OFFSET 0) AS dropped`

/** Patroni's name for the slot. */
const slotOf = (region: string) => region.toLowerCase().replaceAll(/[-.]/g, '_')

/** Reads what was appended to a log file since the last call. A truncated file is read from its start. */
class LogTail {
  readonly #file: string
  #offset: number | undefined

  constructor(file: string) {
    this.#file = file
  }

  async read(): Promise<string> {
    const handle = await open(this.#file, 'r')
    try {
      const { size } = await handle.stat()
      const known = this.#offset === undefined || this.#offset > size ? 0 : this.#offset
      const from = Math.max(known, size - tailBytes)
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
      this.#offset = from + bytesRead
      return buffer.toString('latin1', 0, bytesRead)
    } finally {
      await handle.close()
    }
  }
}
