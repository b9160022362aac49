import pg from 'pg'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { Loop } from '../../lib/loop.ts'

/** One try. Flushing WAL to a busy disk takes tens of milliseconds, seldom a second. */
const patienceMs = 1500
const restMs = 250
/** So many tries in a row: one may have hung in this process, which was stopped or had no time. */
const triesNeeded = 3

type PrimaryWriteCheckOptions = {
  host: string
  port: number
  password: string
  /** Whether this region leads at the moment: only then is there a writeCheck to feel. */
  leads: () => boolean
  clock?: Clock
}

/**
 * Feels whether the local primary still writes: a WAL record, flushed to disk, in a transaction that waits for no
 * other region. Patroni and its health checks do not notice a PostgreSQL that hangs, or a disk that takes no writes.
 *
 * Silence is what counts. An error is an answer: PostgreSQL that is down, starts, or has no connection left is Patroni's
 * affair or the operator's.
 */
export class PrimaryWriteCheck {
  readonly #options: PrimaryWriteCheckOptions
  readonly #clock: Clock
  #client: pg.Client | undefined
  #silent: { sinceMs: number; tries: number } | undefined
  readonly #loop: Loop

  constructor(options: PrimaryWriteCheckOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#loop = new Loop({
      round: () => this.#check(),
      restMs: () => (this.#silent ? restMs : 4 * restMs),
      // Whatever the server says is an answer; nothing else in a round is expected to fail.
      onError: (error) => {
        throw error
      },
      clock: this.#clock,
    })
  }

  /** For how long the primary has been silent; 0 while it answers, and after fewer than three tries in vain. */
  get unresponsiveMs(): number {
    const silent = this.#silent
    return silent && silent.tries >= triesNeeded ? this.#clock.now() - silent.sinceMs : 0
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
    if (leads && (await this.#try()) === 'silence')
      this.#silent = {
        sinceMs: this.#silent?.sinceMs ?? startedMs,
        tries: (this.#silent?.tries ?? 0) + 1,
      }
    else this.#silent = undefined
    if (!leads) this.#drop()
  }

  /** The time limit is ours alone: whatever the driver reports has come from the server or its machine. */
  async #try(): Promise<'answer' | 'silence'> {
    const { promise, resolve } = Promise.withResolvers<'silence'>()
    const cancel = this.#clock.setTimeout(() => resolve('silence'), patienceMs)
    try {
      const end = await Promise.race([promise, this.#beat()])
      if (end === 'silence') this.#drop()
      return end
    } catch {
      this.#drop()
      return 'answer'
    } finally {
      cancel()
    }
  }

  async #beat(): Promise<'answer'> {
    const client = this.#client ?? (await this.#connect())
    await client.query(`SELECT pg_logical_emit_message(true, 'nearside', 'writeCheck')`)
    return 'answer'
  }

  /** The client is known from the beginning: one that never gets through is dropped, too. */
  async #connect(): Promise<pg.Client> {
    const { host, port, password } = this.#options
    const client = new pg.Client({
      host,
      port,
      password,
      user: 'monitor',
      database: 'postgres',
      application_name: 'nearside-writeCheck',
      // Its own disk is what is asked about.
      options: '-c synchronous_commit=local',
    })
    this.#client = client
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined
    })
    await client.connect()
    return client
  }

  /** Not awaited: a server that hangs does not say goodbye. */
  #drop(): void {
    const client = this.#client as (pg.Client & { connection?: { stream: { destroy(): void } } }) | undefined
    this.#client = undefined
    client?.connection?.stream.destroy()
  }
}
