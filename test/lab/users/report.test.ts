import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usersText, verdict } from '../../../src/cli/lab/users-text.ts'
import { usersPage } from '../../../src/lab/users/report/page.ts'
import { ticks } from '../../../src/lab/users/report/scale.ts'
import { Samples } from '../../../src/lab/users/samples.ts'
import { summarise } from '../../../src/lab/users/summarise.ts'
import { assertGolden } from '../../support/golden.ts'
import { sampleResult } from './sample.ts'

const plain = (_: unknown, text: string) => text

test('the reports of a run', () => {
  const result = sampleResult()
  assertGolden('users', [
    { path: 'report.txt', content: `${usersText(result, plain)}\n` },
    { path: 'report.html', content: usersPage(result) },
  ])
})

test('the page is self-contained: no fetches, no scripts, and names are escaped', () => {
  const page = usersPage(sampleResult())
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|https?:|url\(|@import|\son\w+=/i)
  assert.match(page, /prefers-color-scheme:dark/)
  assert.match(page, /Coeur d&#39;Alene &lt;b&gt;/)
  assert.doesNotMatch(page, /NaN|Infinity|undefined|\[object/)
})

test('on a phone, each value has its name next to it, and nothing is wider than the page', () => {
  const page = usersPage(sampleResult())
  assert.match(page, /@media screen and \(max-width:640px\)\{[\s\S]*svg\{min-width:0/)
  assert.match(page, /<td class="n" data-name="p95">114 ms<\/td>/)
})

test('bars start and end with a non-empty one; a stopped run shows when', () => {
  const result = sampleResult()
  const { histogram } = result
  const areas = histogram.areas.map((area) => ({ ...area, counts: area.counts.with(-1, 0) }))
  const text = usersText({ ...result, stopped: true, histogram: { ...histogram, areas } }, plain)
  assert.doesNotMatch(text, /over \d+ ms/)
  assert.match(text, /for 30 s \(stopped early\)/)
})

test('a run without any answer has a report, too', () => {
  const empty = sampleResult(
    summarise({
      samples: new Samples(),
      places: [],
      regions: [],
      slo: { latencyMs: 100, share: 0.95 },
      ranMs: 500,
    }),
  )
  assert.match(usersText(empty, plain), /^no request was answered/)
  assert.match(usersPage(empty), /No request was answered/)
  const samples = new Samples()
  const sample = { atMs: 1, latencyMs: 5, dnsMs: 5, connectMs: 0, place: 0, visitor: 0, kind: 'home' }
  samples.add({ ...sample, edge: undefined, servedBy: undefined, error: 'DNS: no answer' })
  const places = [{ name: 'Here', area: 'US East', location: { lat: 0, lon: 0 } }]
  const failed = sampleResult(
    summarise({ samples, places, regions: [], slo: { latencyMs: 100, share: 0.95 }, ranMs: 500 }),
  )
  assert.match(usersText(failed, plain), /DNS: no answer/)
  assert.doesNotMatch(usersPage(failed), /NaN|Infinity|undefined/)
})

test('the verdict never rounds up across the target', () => {
  const slo = { latencyMs: 100, share: 0.95, warmFastShare: 1, usersFastShare: 1 }
  const all = { ...sampleResult().all, requests: 100_000 }
  assert.match(
    verdict({ all, slo: { ...slo, fastShare: 0.99996, met: true } }),
    /^SLO met: 99\.9 % of 100,000/,
  )
  assert.match(verdict({ all, slo: { ...slo, fastShare: 1, met: true } }), /^SLO met: 100 % of/)
})

test('both reports warn if the generator was the limit', () => {
  const { effort } = sampleResult()
  const result = sampleResult({ effort: { ...effort, limit: 'it used 97 % of one core' } })
  assert.match(usersText(result, plain), /load generator limited this measurement: it used 97 % of one core/)
  assert.match(usersPage(result), /load generator limited this measurement/)
})

test('an axis has round values from 0 up to the largest', () => {
  assert.deepEqual(ticks(100, 5), [0, 20, 40, 60, 80, 100])
  assert.deepEqual(ticks(7, 7), [0, 1, 2, 3, 4, 5, 6, 7])
  assert.ok(ticks(0.03).every((tick) => tick <= 0.03))
})
