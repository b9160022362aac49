import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CacheCounters,
  cacheTotals,
  countersCommand,
  increase,
  parseCounters,
} from '../../../src/engines/varnish/counters.ts'

/** Output of varnishstat in which the counters have these values, and all others 0. */
function output(values: Record<string, unknown> = {}): string {
  const names = countersCommand.filter((_, n) => countersCommand[n - 1] === '-I')
  const counters = names.map((name) => [
    name,
    { description: '', flag: 'c', format: 'i', value: name in values ? values[name] : 0 },
  ])
  return JSON.stringify({
    version: 1,
    timestamp: '2026-11-30T21:36:02',
    counters: Object.fromEntries(counters),
  })
}

describe('the output of varnishstat', () => {
  test('gives counters and gauges, some of them sums', () => {
    const { gauges, totals } = parseCounters(
      output({
        'SMA.s0.g_bytes': 60,
        'SMA.s0.g_space': 4,
        'MAIN.n_object': 7,
        'MAIN.cache_miss': 5,
        'MAIN.cache_hitmiss': 2,
        // A panic with a core dump is one crash.
        'MGT.child_died': 1,
        'MGT.child_dump': 1,
        'MGT.child_panic': 1,
      }),
    )
    assert.deepEqual([gauges.usedBytes, gauges.limitBytes, gauges.objects], [60, 64, 7])
    assert.deepEqual([totals.misses, totals.crashes, totals.hits], [7, 1, 0])
  })

  test('that is anything else is an error that says what was expected', () => {
    for (const [text, message] of [
      ['Could not get hold of varnishd', /expected counters from varnishstat, got "Could not/],
      ['', /expected counters/],
      ['null', /version 1 .* got undefined/],
      ['[]', /version 1/],
      [output().replace('"version":1', '"version":2'), /version 1 .* got 2/],
      ['{"version":1}', /got none/],
      ['{"version":1,"counters":{}}', /expected a number for MGT\.uptime, got undefined/],
      [output({ 'MAIN.cache_hit': '12' }), /a number for MAIN.cache_hit, got "12"/],
      [output({ 'MAIN.cache_hit': -1 }), /MAIN.cache_hit/],
      [output({ 'MAIN.cache_hit': null }), /MAIN.cache_hit/],
    ] as const)
      assert.throws(() => parseCounters(text), { name: 'TypeError', message }, text.slice(0, 60))
  })
})

describe('the increase of counters', () => {
  const at = (managerUptimeSeconds: number, workerUptimeSeconds: number, value: number, crashes = 0) => {
    const { gauges } = parseCounters(output())
    const totals = Object.fromEntries(cacheTotals.map((key) => [key, key === 'crashes' ? crashes : value]))
    return {
      gauges: { ...gauges, managerUptimeSeconds, workerUptimeSeconds },
      totals,
    } as CacheCounters
  }

  test('is the difference while Varnish runs', () => {
    const { hits, crashes } = increase(at(50, 50, 10), at(60, 60, 14))
    assert.deepEqual([hits, crashes], [4, 0])
  })

  test('counts from zero after the worker restarted, even if it has counted further since', () => {
    const { hits, crashes } = increase(at(50, 50, 10), at(60, 3, 12, 1))
    assert.deepEqual([hits, crashes], [12, 1])
  })

  test('counts from zero after Varnish restarted', () => {
    const { hits, crashes } = increase(at(50, 50, 10, 4), at(3, 3, 12, 1))
    assert.deepEqual([hits, crashes], [12, 1])
  })

  test('is never negative', () => {
    assert.equal(increase(at(50, 50, 10), at(60, 60, 9)).hits, 0)
  })
})
