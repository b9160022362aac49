import type { HaproxyControl } from '../../engines/haproxy/control.ts'
import { proxies } from '../../engines/haproxy/layout.ts'
import type { Bypassed } from '../../engines/haproxy/traffic.ts'
import {
  type CacheCounters,
  type CacheGauges,
  cacheTotals,
  countersCommand,
  increase,
  parseCounters,
} from '../../engines/varnish/counters.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { every, Loop } from '../../lib/loop.ts'
import {
  type CacheActivity,
  type CacheTrouble,
  longMinutes,
  type TroubleKind,
  troubleIn,
} from './cache-trouble.ts'

/** A reading starts a short program, which takes some 15 ms of CPU time. */
const everyMs = 10_000
const timeoutMs = 5000
/** Failed readings in a row that are trouble. One may fail while Varnish's worker restarts. */
const failuresAllowed = 2

/** As in `GET /v1/status`. */
export type CacheState =
  /** Varnish is not ready, or was not read yet. */
  | { kind: 'unknown'; trouble: readonly CacheTrouble[] }
  | {
      kind: 'measured'
      /** By the agent's clock. */
      at: number
      usedBytes: number
      limitBytes: number
      transientUsedBytes: number
      transientLimitBytes: number
      objects: number
      threads: number
      /** Responses under way in Varnish. */
      responses: number
      /** What happened in the last minute, or since the agent started. */
      lastMinute: CacheActivity
      trouble: readonly CacheTrouble[]
    }

type CacheMonitorOptions = {
  /** Runs a program of the engine root like Varnish: in the sandbox, in the region's folder. */
  run: (command: readonly string[], timeoutMs: number) => Promise<{ code: number; output: string }>
  haproxy: Pick<HaproxyControl, 'stats' | 'bypassed' | 'workerPid'>
  isRunning: () => boolean
  log: Pick<Logger, 'warn'>
  clock?: Clock
}

type HaproxyReading = { worker: number; responses: number; bypassed: Bypassed }
/** `haproxy`: as far as it is known; its failure is reported elsewhere. */
type Reading = { varnish: CacheCounters; haproxy: HaproxyReading | undefined }

type Round = { seconds: number; activity: CacheActivity }

/**
 * Measures the region's CDN cache from the counters of Varnish and HAProxy. Users never depend on it: whatever it cannot
 * read it reports, and it tries again.
 */
export class CacheMonitor {
  state: CacheState = { kind: 'unknown', trouble: [] }
  /** Since this agent started. */
  readonly totals: CacheActivity = noActivity()
  /** Of the last reading; undefined while Varnish is not ready or not readable. */
  gauges: (CacheGauges & { responses: number }) | undefined
  readonly #options: CacheMonitorOptions
  readonly #clock: Clock
  readonly #loop: Loop
  /** Newest first. */
  #rounds: Round[] = []
  #last: (Reading & { atMs: number }) | undefined
  #failures = 0

  constructor(options: CacheMonitorOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#loop = new Loop({
      round: () => this.read(),
      restMs: every(everyMs, 1000),
      onError: (error) => options.log.warn({ error: messageOf(error) }, 'could not measure the cache'),
      clock: this.#clock,
    })
  }

  start(): void {
    this.#loop.start(everyMs)
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Reads the counters once. Never throws, and never overlaps itself when called by the loop. */
  async read(): Promise<void> {
    if (!this.#options.isRunning()) return this.#forget([])
    try {
      this.#add(await this.#reading())
      this.#failures = 0
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  async #reading(): Promise<Reading> {
    const [{ code, output }, haproxy] = await Promise.all([
      this.#options.run(countersCommand, timeoutMs),
      this.#haproxyReading().catch(() => this.#last?.haproxy),
    ])
    if (code !== 0) throw new Error(`varnishstat: ${output.trim().slice(0, 200) || `exit code ${code}`}`)
    return { varnish: parseCounters(output), haproxy }
  }

  async #haproxyReading(): Promise<HaproxyReading> {
    const { haproxy } = this.#options
    const [worker, stats, bypassed] = await Promise.all([
      haproxy.workerPid(),
      haproxy.stats(),
      haproxy.bypassed(),
    ])
    const server = stats.find(
      (row) => row.kind === 'server' && row.proxy === proxies.cdn && row.name === 'varnish',
    )
    return { worker, responses: server?.current ?? 0, bypassed }
  }

  #add(reading: Reading): void {
    const atMs = this.#clock.now()
    const last = this.#last
    this.#last = { ...reading, atMs }
    if (last) {
      const activity = activityBetween(last, reading)
      for (const key of activityKeys) this.totals[key] += activity[key]
      this.#rounds = [{ seconds: (atMs - last.atMs) / 1000, activity }, ...this.#rounds].slice(0, 1000)
    }
    const [minute, long] = [recent(this.#rounds, 60), recent(this.#rounds, longMinutes * 60)]
    this.#rounds = this.#rounds.slice(0, long.rounds)
    const { gauges } = reading.varnish
    const responses = reading.haproxy?.responses ?? 0
    this.gauges = { ...gauges, responses }
    const measured = {
      gauges,
      responses,
      minute: minute.activity,
      long: long.activity,
      longSeconds: long.seconds,
    }
    const { managerUptimeSeconds: _, workerUptimeSeconds: __, ...shown } = gauges
    this.state = {
      kind: 'measured',
      at: Date.now(),
      ...shown,
      responses,
      lastMinute: minute.activity,
      trouble: troubleIn(measured, kindsOf(this.state.trouble)),
    }
  }

  /** Trouble stands until it is known to be over, but nothing is reported about a Varnish that is down. */
  #fail(why: string): void {
    this.#failures += 1
    if (this.#failures <= failuresAllowed) return
    if (this.#failures === failuresAllowed + 1)
      this.#options.log.warn({ error: why }, 'could not measure the cache')
    this.#forget([{ kind: 'unmeasured', why }])
  }

  #forget(trouble: readonly CacheTrouble[]): void {
    this.gauges = undefined
    this.state = { kind: 'unknown', trouble }
  }
}

const activityKeys = [...cacheTotals, 'unstorable', 'noThread'] as const

function noActivity(): CacheActivity {
  return Object.fromEntries(activityKeys.map((key) => [key, 0])) as CacheActivity
}

function activityBetween(before: Reading, now: Reading): CacheActivity {
  // A new worker's counters start at zero.
  const isSame = before.haproxy?.worker === now.haproxy?.worker
  const grown = (key: keyof Bypassed) =>
    now.haproxy === undefined || before.haproxy === undefined
      ? 0
      : Math.max(0, now.haproxy.bypassed[key] - (isSame ? before.haproxy.bypassed[key] : 0))
  return {
    ...increase(before.varnish, now.varnish),
    unstorable: grown('unstorable'),
    noThread: grown('noThread'),
  }
}

/** Sums up the rounds of the last seconds. A round that began earlier does not count, except for the newest. */
function recent(rounds: readonly Round[], seconds: number) {
  const activity = noActivity()
  let [covered, counted] = [0, 0]
  for (const round of rounds) {
    // Rounds are not exactly as long as planned.
    if (counted > 0 && covered + round.seconds > seconds * 1.05) break
    covered += round.seconds
    counted += 1
    for (const key of activityKeys) activity[key] += round.activity[key]
  }
  return { activity, seconds: covered, rounds: counted }
}

const kindsOf = (trouble: readonly CacheTrouble[]): TroubleKind[] => trouble.map(({ kind }) => kind)
