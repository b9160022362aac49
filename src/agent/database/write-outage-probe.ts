import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { RegionContext } from '../../engines/context.ts'
import { Loop } from '../../lib/loop.ts'
import type { Region } from '../../topology/regions.ts'

/** Interval between two writes, which is the resolution of the measured outage. */
const everyMs = 10
const patienceMs = 2000

/** An acknowledged write: its time by `performance.now()`, and the server. */
type Acknowledged = { atMs: number; server: string }

/**
 * Measures write outages like an app would see them: it writes continuously through a region's write endpoint. Each
 * write is acknowledged like any other, so with durability `region` it is on disk in two regions. It changes no table:
 * it commits a logical decoding message to the WAL, which is replicated but has no consumer.
 */
export class WriteOutageProbe {
  readonly acknowledged: Acknowledged[] = []
  readonly #config: pg.ClientConfig
  readonly #loop: Loop
  #client: pg.Client | undefined

  constructor({ topology, secrets }: RegionContext, through: Region) {
    this.#config = {
      host: through.address,
      port: topology.ports.databaseWrite,
      user: 'monitor',
      password: secrets.monitor,
      database: 'postgres',
      application_name: 'nearside-write-probe',
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
    }
    this.#loop = new Loop({ round: () => this.#write(), restMs: everyMs, onError: () => this.#drop() })
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#client?.end().catch(() => undefined)
  }

  /** Waits for a write that `server` acknowledged after `atMs`; false if there is none within `limitMs`. */
  async seen(server: string, atMs: number, limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs
    const found = () => this.acknowledged.some((one) => one.server === server && one.atMs >= atMs)
    while (!found() && performance.now() < deadline) await sleep(everyMs)
    return found()
  }

  async #write(): Promise<void> {
    if (!this.#client) {
      this.#client = new pg.Client(this.#config)
      this.#client.on('error', () => undefined)
      await this.#client.connect()
    }
    const { rows } = await this.#client.query<{ server: string }>(
      `SELECT host(inet_server_addr()) AS server, pg_logical_emit_message(true, 'nearside', 'probe')`,
    )
    this.acknowledged.push({ atMs: performance.now(), server: rows[0]!.server })
  }

  /** Not awaited: closing a connection to a server that is gone may never finish. */
  #drop(): void {
    void this.#client?.end().catch(() => undefined)
    this.#client = undefined
  }
}

/** Longest time between two acknowledged writes, in milliseconds; undefined with fewer than two. Pure. */
export function longestPauseMs(acknowledged: readonly Acknowledged[]): number | undefined {
  let longest: number | undefined
  for (let i = 1; i < acknowledged.length; i += 1)
    longest = Math.max(longest ?? 0, acknowledged[i]!.atMs - acknowledged[i - 1]!.atMs)
  return longest
}
