import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { RegionContext } from '../../engines/context.ts'
import { patroniRequest } from '../../engines/postgres/control.ts'
import { missingWalIn } from '../../engines/postgres/log.ts'
import { mayCopyAnew, type Stranded } from '../../failover/replica-reinit.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { getJson } from '../../lib/http.ts'
import { freshMs } from '../coordination/cycle-interval.ts'
import type { CoordinationLoop } from '../coordination/loop.ts'
import type { AgentBase } from '../types.ts'
import type { DatabaseMonitor } from './monitor.ts'

/** Of a log that nobody has read so far; it says the same every second. */
const tailBytes = 65_536
/** Without its words for so long, the replica has got what it lacked. */
const quietMs = 12_000
/** For the replica to end and its slot to be free. */
const renewMs = 10_000

/**
 * Watches the local replica for the one thing that neither PostgreSQL nor Patroni gets over: the primary has removed
 * the WAL that it needs. Then its data is copied anew, by Patroni, when `mayCopyAnew` finds that nobody needs it.
 */
export class ReplicaReinit {
  readonly #agent: Pick<AgentBase, 'context' | 'store' | 'log'>
  readonly #database: Pick<DatabaseMonitor, 'state'>
  readonly #coordination: Pick<CoordinationLoop, 'snapshot' | 'atMs' | 'error'>
  readonly #log: LogTail
  #missing: { segment: string; sinceMs: number; lastMs: number } | undefined
  #triedMs = -Infinity
  #tries = 0
  #acting = false

  constructor(
    agent: Pick<AgentBase, 'context' | 'store' | 'log'>,
    database: Pick<DatabaseMonitor, 'state'>,
    coordination: Pick<CoordinationLoop, 'snapshot' | 'atMs' | 'error'>,
  ) {
    this.#agent = agent
    this.#database = database
    this.#coordination = coordination
    this.#log = new LogTail(join(agent.context.folder, 'log', 'postgres.log'))
  }

  /** The WAL segment that it lacks for good, as far as is known. */
  get missing(): string | undefined {
    return this.#missing?.segment
  }

  /** One look at the log, and what follows. To be called every second or so. */
  async round(): Promise<void> {
    const now = performance.now()
    const segment = missingWalIn(await this.#log.read().catch(() => ''))
    if (segment !== undefined && segment === this.#missing?.segment) this.#missing.lastMs = now
    else if (segment !== undefined) this.#missing = { segment, sinceMs: now, lastMs: now }
    else if (this.#missing && now - this.#missing.lastMs > quietMs) this.#missing = undefined
    if (this.#missing && !this.#acting && mayCopyAnew(this.#known(now))) {
      this.#acting = true
      await this.#replicaReinit(this.#missing.segment).finally(() => {
        this.#acting = false
      })
    }
  }

  #known(now: number): Stranded {
    const { snapshot, atMs, error } = this.#coordination
    // A view that is old says nothing about who leads now.
    const sound = error === undefined && now - atMs < freshMs ? snapshot : undefined
    const leader = sound?.leader?.region
    const report = leader === undefined ? undefined : sound?.reports[leader]
    const { state } = this.#database
    return {
      self: this.#agent.context.region.name,
      leader,
      // Whichever primary the record names: it may be the only other copy of what that one acknowledged.
      syncStandbys: sound?.sync.standbys ?? [],
      role: state.role,
      state: state.role === 'unknown' ? undefined : state.state,
      timeline: state.timeline,
      primary: report?.database && { role: report.database.role, timeline: report.database.timeline },
      missingForMs: this.#missing ? this.#missing.lastMs - this.#missing.sinceMs : 0,
      sinceTriedMs: now - this.#triedMs,
      tries: this.#tries,
    }
  }

  async #replicaReinit(segment: string): Promise<void> {
    const { context, store, log } = this.#agent
    const { region } = context
    const from = this.#coordination.snapshot!.leader!.region
    this.#triedMs = performance.now()
    this.#tries += 1
    log.warn({ segment, from }, 'the primary has no more the WAL that this replica needs')
    try {
      // A start that hangs for lack of this WAL is given up for it.
      await patroniRequest(context, region.address, 'POST', '/reinitialize', { force: true }, 10_000)
      await this.#copies()
      await renewSlot(context, from).catch((error) =>
        log.warn({ error: messageOf(error) }, 'replication slot'),
      )
      // What the old data said to its end.
      await this.#log.read().catch(() => '')
      this.#missing = undefined
      await store.record('replicaReinit', { region: region.name, from, segment }).catch(() => undefined)
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the database could not be copied anew')
    }
  }

  /** Until Patroni has stopped PostgreSQL and copies. */
  async #copies(): Promise<void> {
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
 * A slot that has lost its WAL is good for nothing: it keeps none from then on. One that is made now keeps what is
 * written during the copy. Patroni only makes those that are not there. To be called when the old data is asked for no
 * more: it would take the new slot and set it back to where it stands.
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
      // It may be taken between being found free and being dropped.
      await client.query(renewSlotSql, [slotOf(region.name)]).catch(() => undefined)
      const { rows } = await client.query(lostSlotSql, [slotOf(region.name)])
      if (rows.length === 0) return
    }
    throw new NearsideError(
      'slot_in_use',
      `${from}: the slot of ${region.name} stays as it is, and keeps no WAL`,
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Found out at a checkpoint (the reason), or plain before it: whoever asks for old WAL sets its slot back to there. */
const lost = `(wal_status = 'lost' OR invalidation_reason IS NOT NULL)`

const lostSlotSql = `
  SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND ${lost}`

/** Drops and makes in one go; a slot that is in use, or is sound, stays. */
export const renewSlotSql = `
  SELECT pg_create_physical_replication_slot(slot, true)
    FROM (SELECT slot_name AS slot, pg_drop_replication_slot(slot_name)
            FROM pg_replication_slots
           WHERE slot_name = $1 AND slot_type = 'physical' AND NOT active AND ${lost}
          OFFSET 0) AS dropped`

/** As Patroni names it. */
const slotOf = (region: string) => region.toLowerCase().replaceAll(/[-.]/g, '_')

/** What a log file has got since the last look; a file that has been cut begins anew. */
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
