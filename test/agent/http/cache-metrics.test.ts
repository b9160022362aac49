import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from '@prometheus-io/client'
import { cacheMetrics } from '../../../src/agent/http/cache-metrics.ts'
import { CacheMonitor } from '../../../src/agent/traffic/cache-monitor.ts'
import type { CacheActivity } from '../../../src/agent/traffic/cache-trouble.ts'

/** A monitor with these figures. */
function monitor(
  totals: Partial<CacheActivity>,
  rest: Partial<Record<'gauges' | 'state', object>> = {},
): CacheMonitor {
  const cache = new CacheMonitor({} as ConstructorParameters<typeof CacheMonitor>[0])
  Object.assign(cache.totals, totals)
  return Object.assign(cache, rest)
}

function text(cache: CacheMonitor | undefined): Promise<string> {
  const registry = new Registry()
  cacheMetrics(cache, [registry])
  return registry.metrics()
}

test('the counters of the cache are exported by kind, and interim responses are no failed fetches', async () => {
  const shown = await text(
    monitor({
      hits: 9,
      evictions: 4,
      unstorable: 3,
      noThread: 2,
      failedFetches: 7,
      interimFetches: 5,
      crashes: 1,
    }),
  )
  for (const line of [
    'nearside_cache_hits_total 9',
    'nearside_cache_evictions_total 4',
    'nearside_cache_bypassed_total{why="unstorable"} 3',
    'nearside_cache_bypassed_total{why="no thread"} 2',
    'nearside_cache_errors_total{kind="fetch"} 2',
    'nearside_cache_errors_total{kind="crash"} 1',
    'nearside_cache_errors_total{kind="own"} 0',
  ])
    assert.ok(shown.split('\n').includes(line), `${line}\n${shown}`)
})

test('gauges are absent while the cache is not measured, and trouble is exported for every kind', async () => {
  assert.doesNotMatch(
    await text(monitor({})),
    /^nearside_cache_(objects|threads|used_bytes|limit_bytes)[ {]/m,
  )
  const gauges = { usedBytes: 60, limitBytes: 64, transientUsedBytes: 1, transientLimitBytes: 32, objects: 7 }
  const trouble = [{ kind: 'evicting' }]
  const shown = await text(monitor({}, { gauges, state: { kind: 'unknown', trouble } }))
  assert.match(shown, /^nearside_cache_used_bytes\{storage="cache"\} 60$/m)
  assert.match(shown, /^nearside_cache_limit_bytes\{storage="transient"\} 32$/m)
  assert.match(shown, /^nearside_cache_objects 7$/m)
  assert.match(shown, /^nearside_cache_trouble\{kind="evicting"\} 1$/m)
  assert.match(shown, /^nearside_cache_trouble\{kind="no thread"\} 0$/m)
})

test('a region without a cache exports nothing about one', async () => {
  assert.doesNotMatch(await text(undefined), /nearside_cache/)
})
