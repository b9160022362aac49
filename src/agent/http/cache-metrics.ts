import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { CacheMonitor } from '../traffic/cache-monitor.ts'
import { type CacheActivity, type TroubleKind, troubleKinds } from '../traffic/cache-trouble.ts'

const simple = {
  hits: ['nearside_cache_hits_total', 'Requests that Varnish answered from memory.'],
  misses: ['nearside_cache_misses_total', 'Requests for what Varnish had not stored, or not fresh.'],
  pipes: [
    'nearside_cache_pipes_total',
    'Requests that Varnish passed on because it could not store or fetch the response.',
  ],
  fetches: ['nearside_cache_fetches_total', 'Fetches from the app.'],
  evictions: ['nearside_cache_evictions_total', 'Objects that Varnish removed to make room.'],
} satisfies Partial<Record<keyof CacheActivity, [name: string, help: string]>>

/** Values of the label `kind` of `nearside_cache_errors_total`. */
const errorKinds: Record<string, (of: CacheActivity) => number> = {
  fetch: (of) => Math.max(0, of.failedFetches - of.interimFetches),
  origin: (of) => of.originFailures,
  transient: (of) => of.transientFailures,
  'no room': (of) => of.evictionLimits,
  dropped: (of) => of.dropped,
  own: (of) => of.ownErrors,
  'bad request': (of) => of.badRequests,
  crash: (of) => of.crashes,
}

/** Metrics of the region's CDN cache, as its monitor last read them; none in a region without one. */
export function cacheMetrics(cache: CacheMonitor | undefined, registers: Registry[]): void {
  if (!cache) return
  for (const [key, [name, help]] of Object.entries(simple))
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(cache.totals[key as keyof typeof simple])
      },
    })
  new Counter({
    name: 'nearside_cache_bypassed_total',
    help: 'Requests that HAProxy sent past Varnish: the URL could not be stored lately (unstorable), or too many responses were under way (no thread).',
    labelNames: ['why'] as const,
    registers,
    collect() {
      this.reset()
      this.inc({ why: 'unstorable' }, cache.totals.unstorable)
      this.inc({ why: 'no thread' }, cache.totals.noThread)
    },
  })
  new Counter({
    name: 'nearside_cache_errors_total',
    help: 'Errors of the cache. Requests that meet one go to the app, except those of the kinds own and bad request.',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      this.reset()
      for (const [kind, of] of Object.entries(errorKinds)) this.inc({ kind }, of(cache.totals))
    },
  })
  storageMetrics(cache, registers)
  gauge('nearside_cache_objects', 'Objects in the cache.', 'objects')
  gauge('nearside_cache_threads', 'Threads of Varnish.', 'threads')
  gauge('nearside_cache_responses_under_way', 'Responses that Varnish has under way.', 'responses')
  new Gauge({
    name: 'nearside_cache_trouble',
    help: 'Whether the cache is in this kind of trouble, as nearside status reports it.',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      const kinds: TroubleKind[] = cache.state.trouble.map(({ kind }) => kind)
      for (const kind of troubleKinds) this.set({ kind }, Number(kinds.includes(kind)))
    },
  })

  function gauge(name: string, help: string, key: 'objects' | 'threads' | 'responses') {
    new Gauge<string>({
      name,
      help,
      registers,
      collect() {
        const value = cache?.gauges?.[key]
        // A reset would leave a 0.
        if (value === undefined) this.remove({})
        else this.set(value)
      },
    })
  }
}

function storageMetrics(cache: CacheMonitor, registers: Registry[]): void {
  const both = (
    name: string,
    help: string,
    cacheKey: 'usedBytes' | 'limitBytes',
    transientKey: 'transientUsedBytes' | 'transientLimitBytes',
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['storage'] as const,
      registers,
      collect() {
        this.reset()
        if (!cache.gauges) return
        this.set({ storage: 'cache' }, cache.gauges[cacheKey])
        this.set({ storage: 'transient' }, cache.gauges[transientKey])
      },
    })
  both('nearside_cache_used_bytes', 'Memory in use, by storage.', 'usedBytes', 'transientUsedBytes')
  both(
    'nearside_cache_limit_bytes',
    'Memory that may be used, by storage.',
    'limitBytes',
    'transientLimitBytes',
  )
}
