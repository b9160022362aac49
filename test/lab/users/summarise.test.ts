import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countUpTo, quantile } from '../../../src/lab/users/quantiles.ts'
import { type Sample, Samples } from '../../../src/lab/users/samples.ts'
import { binned, summarise } from '../../../src/lab/users/summarise.ts'

const values = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 200 })

test('a quantile is the smallest value that at least this share of values does not exceed', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0.001, max: 1, noNaN: true }), (given, q) => {
      const sorted = [...given].sort((a, b) => a - b)
      const found = quantile(sorted, q)
      const upTo = given.filter((value) => value <= found).length
      const below = given.filter((value) => value < found).length
      assert.ok(upTo >= q * given.length - 1e-9 && below < q * given.length + 1e-9)
      assert.equal(countUpTo(sorted, found), upTo)
    }),
  )
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2)
  assert.equal(quantile([7], 0.99), 7)
  assert.equal(quantile([], 0.5), 0)
})

test('every value is in exactly one bin', () => {
  fc.assert(
    fc.property(values, (given) => {
      const sorted = [...given].sort((a, b) => a - b)
      const counts = binned(Float64Array.from(sorted), [10, 20, 500])
      assert.equal(counts.length, 4)
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        given.length,
      )
      assert.equal(counts[0], given.filter((value) => value <= 10).length)
    }),
  )
})

const sample = (changes: Partial<Sample> = {}): Sample => ({
  atMs: 0,
  latencyMs: 50,
  dnsMs: 0,
  connectMs: 0,
  place: 0,
  visitor: 0,
  kind: 'home',
  edge: 'east',
  servedBy: 'east',
  error: undefined,
  ...changes,
})

const summaryOf = (given: readonly Sample[]) => {
  const samples = new Samples()
  for (const one of given) samples.add(one)
  const location = { lat: 0, lon: 0 }
  return summarise({
    samples,
    places: ['A', 'B'].map((name) => ({ name, area: name === 'A' ? 'East' : 'West', location })),
    regions: [{ name: 'east', location }],
    slo: { latencyMs: 100, share: 0.9 },
    ranMs: 1000,
  })
}

test('failed requests count against the SLO, not in the latencies', () => {
  const result = summaryOf([
    ...Array.from({ length: 8 }, () => sample()),
    sample({ latencyMs: 101 }),
    sample({ latencyMs: 3, error: 'connection refused', edge: undefined, servedBy: undefined }),
  ])
  assert.equal(result.all.requests, 10)
  assert.equal(result.all.failed, 1)
  assert.equal(result.slo.fastShare, 0.8)
  assert.equal(result.slo.met, false)
  assert.equal(result.all.latency.p50, 50)
  assert.equal(result.all.latency.max, 101)
  assert.deepEqual(result.errors, [
    { error: 'connection refused', count: 1, share: 0.1, firstAtMs: 0, lastAtMs: 0 },
  ])
  const [, lastShare] = result.curves[0]!.points.at(-1)!
  assert.equal(lastShare, 0.9, 'the curve ends at the share of answered requests')
})

test('a user counts as fast with at least half of the requests', () => {
  const slow = { latencyMs: 101 }
  const of = (visitor: number, ...all: Partial<Sample>[]) => all.map((one) => sample({ visitor, ...one }))
  const { slo } = summaryOf([
    ...of(1, {}, slow),
    ...of(70_000, {}, slow, { error: 'timed out' }),
    ...of(3, {}),
    ...of(4, slow),
  ])
  assert.equal(slo.usersFastShare, 0.5)
  assert.equal(summaryOf([]).slo.usersFastShare, 0)
})

test('groups add up to the whole for any samples', () => {
  const any = fc.record({
    // The run takes 1,000 ms; assets of its last pages are due later.
    atMs: fc.integer({ min: 0, max: 1500 }),
    latencyMs: fc.integer({ min: 0, max: 5000 }),
    dnsMs: fc.constantFrom(0, 3),
    connectMs: fc.constantFrom(0, 4),
    place: fc.constantFrom(0, 1),
    visitor: fc.nat({ max: 9 }),
    kind: fc.constantFrom('home', 'order'),
    edge: fc.constantFrom('east', 'west', undefined),
    servedBy: fc.constantFrom('east', undefined),
    error: fc.constantFrom(undefined, undefined, 'HTTP 500', 'timed out'),
  })
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 300 }), (given) => {
      const result = summaryOf(given)
      const sum = (parts: readonly { requests: number }[]) =>
        parts.reduce((all, part) => all + part.requests, 0)
      const { all, warm, cold, areas, places, kinds, served, errors, timeline, histogram } = result
      for (const parts of [[warm, cold], areas, places, kinds, served, timeline.steps]) {
        assert.equal(sum(parts), given.length)
      }
      assert.equal(
        errors.reduce((count, error) => count + error.count, 0),
        all.failed,
      )
      const answered = histogram.areas.flatMap(({ counts }) => counts).reduce((count, one) => count + one, 0)
      assert.equal(answered, all.requests - all.failed)
      assert.ok(all.latency.p50 <= all.latency.p95 && all.latency.p95 <= all.latency.p99)
      assert.ok(all.latency.p99 <= all.latency.max)
    }),
  )
})

test('samples are stored exactly, even when there are many', () => {
  const samples = new Samples()
  for (let i = 0; i < 10_000; i++)
    samples.add(sample({ atMs: i, latencyMs: i / 4, place: i % 2, error: i % 3 ? undefined : `e${i % 7}` }))
  assert.equal(samples.count, 10_000)
  for (const i of [0, 4095, 4096, 9999]) {
    assert.deepEqual(
      samples.at(i),
      sample({ atMs: i, latencyMs: i / 4, place: i % 2, error: i % 3 ? undefined : `e${i % 7}` }),
    )
  }
})

test('names beyond the limit become one, and the others stay', () => {
  const samples = new Samples()
  const kinds = Array.from({ length: 400 }, (_, i) => `page ${i}`)
  for (const kind of kinds) samples.add(sample({ kind, error: 'HTTP 500' }))
  assert.deepEqual(
    [...samples].map(({ kind }) => kind),
    // One region and one error use names as well.
    kinds.map((kind, i) => (i < 252 ? kind : 'other')),
  )
  assert.ok([...samples].every(({ edge, error }) => edge === 'east' && error === 'HTTP 500'))
})
