import pg from 'pg'
import { type Clock, pause, systemClock } from '../../lib/clock.ts'
import { messageOf } from '../../lib/errors.ts'

/** One try. Flushing WAL to a busy disk takes tens of milliseconds, seldom a second. */
const patienceMs = 1500
const restMs = 250
/** So many tries in a row: one may have hung in this process, which was stopped or had no time. */
const triesNeeded = 3

type PulseOptions = {
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
  readonly #options: PulseOptions
  readonly #clock: Clock
  #client: pg.Client | undefined
  #silent: { sinceMs: number; tries: number } | undefined
  #stopped = false
  #loop: Promise<void> | undefined

  constructor(options: PulseOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** For how long the primary has been silent; 0 while it answers, and after fewer than three tries in vain. */
  get unresponsiveMs(): number {
    const silent = this.#silent
    return silent && silent.tries >= triesNeeded ? this.#clock.now() - silent.sinceMs : 0
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#drop()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const startedMs = this.#clock.now()
      const leads = this.#options.leads()
      if (leads && (await this.#try()) === 'silence')
        this.#silent = {
          sinceMs: this.#silent?.sinceMs ?? startedMs,
          tries: (this.#silent?.tries ?? 0) + 1,
        }
      else this.#silent = undefined
      if (!leads) this.#drop()
      await pause(this.#clock, leads && this.#silent ? restMs : 4 * restMs)
    }
  }

  async #try(): Promise<'answer' | 'silence'> {
    const { promise, resolve } = Promise.withResolvers<'silence'>()
    const cancel = this.#clock.setTimeout(() => resolve('silence'), patienceMs)
    try {
      const end = await Promise.race([promise, this.#beat()])
      if (end === 'silence') this.#drop()
      return end
    } catch (error) {
      this.#drop()
      // The driver's own words for a connection that was accepted and then said nothing.
      return /timeout/i.test(messageOf(error)) ? 'silence' : 'answer'
    } finally {
      cancel()
    }
  }

  async #beat(): Promise<'answer'> {
    this.#client ??= await this.#connect()
    await this.#client.query(`SELECT pg_logical_emit_message(true, 'nearside', 'writeCheck')`)
    return 'answer'
  }

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
      connectionTimeoutMillis: patienceMs,
    })
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
