import type { Bypassed } from '../../engines/haproxy/traffic.ts'
import type { CacheGauges, CacheTotals } from '../../engines/varnish/counters.ts'
import { maxThreads } from '../../engines/varnish/layout.ts'

/**
 * Which figures of a cache mean trouble. A full cache evicts, apps break responses off, and readers are slow: some of
 * each is normal. Every kind begins at one figure and ends at a lower one, so that it does not come and go.
 */
export type CacheTrouble =
  /** The cache holds objects for minutes only, and requests miss for it. Averages over the last `minutes`. */
  | { kind: 'evicting'; perMinute: number; minutes: number; missShare: number; limitBytes: number }
  /** `isFull`: the cache is, so some may have found no room. Otherwise the app broke its responses off. */
  | { kind: 'fetches failing'; perMinute: number; isFull: boolean }
  /** HAProxy sent requests past Varnish in the last minute, because it had too many responses under way. */
  | { kind: 'no thread'; perMinute: number; responses: number }
  | { kind: 'transient full'; usedBytes: number; limitBytes: number }
  /** Varnish's worker ended unexpectedly in the last minutes. */
  | { kind: 'crashing'; crashes: number; minutes: number }
  /** Varnish answered errors of its own, or dropped requests. */
  | { kind: 'own errors'; perMinute: number }
  /** Varnish runs, and its counters cannot be read. */
  | { kind: 'unmeasured'; why: string }

export type TroubleKind = CacheTrouble['kind']

/** Complete, so that the compiler finds a new kind missing. */
const allKinds: Record<TroubleKind, true> = {
  evicting: true,
  'fetches failing': true,
  'no thread': true,
  'transient full': true,
  crashing: true,
  'own errors': true,
  unmeasured: true,
}
export const troubleKinds = Object.keys(allKinds) as TroubleKind[]

/** What happened within some time. HAProxy's part: the requests that it sent past Varnish. */
export type CacheActivity = CacheTotals & Bypassed

export type CacheMeasurement = {
  gauges: CacheGauges
  /** Responses that Varnish has under way, as HAProxy counts them. */
  responses: number
  minute: CacheActivity
  /** Over the last `longMinutes`, or since the agent started. */
  long: CacheActivity
  longSeconds: number
}

export const longMinutes = 5

const limits = {
  /** Share of all objects that was evicted in the last `longMinutes`: a half, an object stays for ten minutes. */
  evicted: { begin: 0.5, end: 0.25 },
  /** Share of lookups that missed. A site whose requests hit does not need a larger cache. */
  missed: { begin: 0.1, end: 0.07 },
  failedFetches: { begin: 10, end: 3 },
  /** Share of fetches. */
  failedShare: { begin: 0.01, end: 0.003 },
  transientUsed: { begin: 0.9, end: 0.7 },
  /** Share of the limit. A cache that evicts is never filled exactly. */
  full: 0.9,
  /** Share of `maxThreads`. HAProxy bypasses Varnish a little below all of them. */
  threads: { end: 0.8 },
}

/** Pure. `before`: the kinds of trouble that the last measurement showed. */
export function troubleIn(measured: CacheMeasurement, before: readonly TroubleKind[]): CacheTrouble[] {
  const { gauges, responses, minute, long, longSeconds } = measured
  const over = (kind: TroubleKind, value: number, limit: { begin: number; end: number }) =>
    before.includes(kind) ? value > limit.end : value >= limit.begin
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)

  const missShare = share(long.misses, long.hits + long.misses)
  const isEvicting =
    long.evictions > 0 &&
    over('evicting', share(long.evictions, gauges.objects), limits.evicted) &&
    over('evicting', missShare, limits.missed)

  const failed = Math.max(0, minute.failedFetches - minute.interimFetches)
  const isFailing =
    over('fetches failing', failed, limits.failedFetches) &&
    over('fetches failing', share(failed, minute.fetches), limits.failedShare)

  const lacksThreads =
    minute.noThread > 0 || (before.includes('no thread') && responses > maxThreads * limits.threads.end)

  const transient = share(gauges.transientUsedBytes, gauges.transientLimitBytes)
  const isTransientFull =
    minute.transientFailures > 0 || over('transient full', transient, limits.transientUsed)

  const ownErrors = minute.ownErrors + minute.dropped
  return [
    ...(isEvicting
      ? [
          {
            kind: 'evicting' as const,
            perMinute: Math.round((long.evictions * 60) / Math.max(1, longSeconds)),
            minutes: Math.max(1, Math.round(longSeconds / 60)),
            missShare,
            limitBytes: gauges.limitBytes,
          },
        ]
      : []),
    ...(isFailing
      ? [
          {
            kind: 'fetches failing' as const,
            perMinute: failed,
            isFull: share(gauges.usedBytes, gauges.limitBytes) >= limits.full,
          },
        ]
      : []),
    ...(lacksThreads ? [{ kind: 'no thread' as const, perMinute: minute.noThread, responses }] : []),
    ...(isTransientFull
      ? [
          {
            kind: 'transient full' as const,
            usedBytes: gauges.transientUsedBytes,
            limitBytes: gauges.transientLimitBytes,
          },
        ]
      : []),
    ...(long.crashes > 0 ? [{ kind: 'crashing' as const, crashes: long.crashes, minutes: longMinutes }] : []),
    ...(ownErrors > 0 ? [{ kind: 'own errors' as const, perMinute: ownErrors }] : []),
  ]
}
