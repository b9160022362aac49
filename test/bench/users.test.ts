import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictOf } from '../../bench/figure.ts'
import { boundShare } from '../../bench/lab/bound.ts'
import type { Visits } from '../../bench/lab/visits.ts'
import { figuresOf } from '../../bench/users.ts'

const part = (name: string, requests: number, fastShare: number, p50 = 40) => ({
  ...{ name, requests, failed: 0, fastShare },
  latency: { p50, p95: 2 * p50, p99: 3 * p50, max: 4 * p50, mean: p50 },
})
const exact = { p50: 0, p99: 1, max: 2 }
const visits = (all: number, warm: number, order: number, west: number): Visits => ({
  users: 100,
  all: part('all', 1000, all),
  warm: part('warm', 800, warm),
  cold: part('cold', 200, 0.5),
  areas: [part('US West', 400, all, west), part('US East', 600, all)],
  kinds: [part('product', 950, 0.9), part('order', 50, order)],
  errors: [],
  bound: 0.96,
  slo: {
    latencyMs: 100,
    share: 0.95,
    met: all >= 0.95,
    fastShare: all,
    warmFastShare: warm,
    usersFastShare: 0.97,
  },
  effort: {
    ...{ cpuShare: 0.1, loopDelayMs: exact, lateMs: exact, inFlightMax: 9, peakMemoryBytes: 1e8 },
    limit: undefined,
  },
})

test('the target counts every request, writes and first ones too; those on a kept connection are listed apart', () => {
  const figures = figuresOf(
    visits(0.8, 0.9, 0.9, 90),
    visits(0.94, 0.96, 0.2, 50),
    visits(0.97, 0.98, 0.6, 45),
  )
  const verdicts = Object.fromEntries(figures.map((figure) => [figure.what.trim(), verdictOf(figure)]))
  assert.equal(verdicts['within 100 ms, two regions, all requests'], 'missed')
  assert.equal(verdicts['on an open connection, two regions'], 'met')
  const of = (what: string) => figures.find((figure) => figure.what.trim() === what)!
  // 940 fast ones in total, 10 of them writes.
  assert.ok(Math.abs(of('reads').value - (100 * 930) / 950) < 1e-9)
  assert.deepEqual([of('writes').value, of('writes').peer!.value], [20, 90])
  const three = of('within 100 ms, three regions')
  assert.deepEqual([three.value, three.peer!.value], [97, 94])
  assert.deepEqual([of('US West, median').value, of('US West, median').peer!.value], [50, 90])
})

test('the limit by distance counts each trip, and a write continues to the primary and its standby', () => {
  const here = { lat: 0, lon: 0 }
  // By the model: 17 ms to a local region; 32 ms for 1,000 km, 24 of them between regions.
  const near = { lat: 0, lon: 8.98 }
  const share = (regions: (typeof here)[], limitMs: number) =>
    boundShare({
      places: [{ location: here, weight: 2 }],
      ...{ regions, limitMs, named: 0.1, connected: 0.2, writes: 0.3 },
    })
  const about = (value: number, wanted: number) => assert.ok(Math.abs(value - wanted) < 1e-9, `${value}`)
  about(share([here], 16), 0)
  about(share([here], 18), 0.5 + 0.3)
  about(share([here], 35), 0.5 + 0.3 + 0.1)
  about(share([here], 52), 1)
  // The standby is 24 ms further.
  about(share([here, near], 35), 0.5 + 0.1)
  about(share([here, near], 42), 0.5 + 0.1 + 0.3)
  // So is the primary, and back to this one, its standby.
  about(share([near, here], 52), 0.7)
  about(share([near, here], 66), 1)
})
