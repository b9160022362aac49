import pg from 'pg'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { Loop } from '../../lib/loop.ts'

/** Timeout of one attempt. Flushing WAL to a busy disk takes tens of milliseconds, seldom a second. */
const timeoutMs = 1500
const restMs = 250
/**
 * Unanswered attempts in a row before the primary counts as hung. A single one may be due to a pause of this process.
 */
const attemptsNeeded = 3

type PrimaryWriteCheckOptions = {
  host: string
  port: number
  password: string
  /** Whether this region is the leader; only a primary is checked. */
  leads: () => boolean
  clock?: Clock
}

/**
 * Checks whether the local primary still writes: it has a WAL record flushed to disk, in a transaction that waits for
 * no other region. Patroni and its health checks do not notice a hung PostgreSQL or a disk that takes no writes.
 *
 * Only a missing answer counts; an error is an answer. A PostgreSQL that is down, starting, or out of connections is
 * left to Patroni or the operator.
 */
export class PrimaryWriteCheck {
  readonly #options: PrimaryWriteCheckOptions
  readonly #clock: Clock
  #client: pg.Client | undefined
  #unanswered: { sinceMs: number; attempts: number } | undefined
  readonly #loop: Loop

  constructor(options: PrimaryWriteCheckOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#loop = new Loop({
      round: () => this.#check(),
      restMs: () => (this.#unanswered ? restMs : 4 * restMs),
      // Errors of the server count as answers; nothing else in a round should fail.
      onError: (error) => {
        throw error
      },
      clock: this.#clock,
    })
  }

  /**
   * How long the primary has not answered; 0 while it answers, and after fewer than `attemptsNeeded` failed attempts.
   */
  get unresponsiveMs(): number {
    const unanswered = this.#unanswered
    if (!unanswered || unanswered.attempts < attemptsNeeded) return 0
    return this.#clock.now() - unanswered.sinceMs
  }

  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    const stopped = this.#loop.stop()
    this.#drop()
    await stopped
  }

  async #check(): Promise<void> {
    const startedMs = this.#clock.now()
    const leads = this.#options.leads()
    if (leads && (await this.#attempt()) === 'timeout')
      this.#unanswered = {
        sinceMs: this.#unanswered?.sinceMs ?? startedMs,
        attempts: (this.#unanswered?.attempts ?? 0) + 1,
      }
    else this.#unanswered = undefined
    if (!leads) this.#drop()
  }

  /** The driver has no timeout of its own here, so every error that it reports comes from the server or its machine. */
  async #attempt(): Promise<'answer' | 'timeout'> {
    const { promise, resolve } = Promise.withResolvers<'timeout'>()
    const cancel = this.#clock.setTimeout(() => resolve('timeout'), timeoutMs)
    try {
      const end = await Promise.race([promise, this.#write()])
      if (end === 'timeout') this.#drop()
      return end
    } catch {
      this.#drop()
      return 'answer'
    } finally {
      cancel()
    }
  }

  async #write(): Promise<'answer'> {
    const client = this.#client ?? (await this.#connect())
    await client.query(`SELECT pg_logical_emit_message(true, 'nearside', 'write-check')`)
    return 'answer'
  }

  /** Stores the client before it connects, so that a connection attempt without an answer is dropped as well. */
  async #connect(): Promise<pg.Client> {
    const { host, port, password } = this.#options
    const client = new pg.Client({
      host,
      port,
      password,
      user: 'monitor',
      database: 'postgres',
      application_name: 'nearside-write-check',
      // Only the local disk matters.
      options: '-c synchronous_commit=local',
    })
    this.#client = client
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined
    })
    await client.connect()
    return client
  }

  /** Destroys the socket, because a hung server would never complete an orderly close. */
  #drop(): void {
    const client = this.#client as (pg.Client & { connection?: { stream: { destroy(): void } } }) | undefined
    this.#client = undefined
    client?.connection?.stream.destroy()
  }
}
