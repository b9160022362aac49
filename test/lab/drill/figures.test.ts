import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RegionStatus } from '../../../src/agent/http/status.ts'
import type { DrillEvent } from '../../../src/lab/drill/event.ts'
import { type Figures, figuresOf } from '../../../src/lab/drill/figures.ts'
import type { Sample } from '../../../src/lab/drill/sample.ts'
import { figureLines } from '../../../src/lab/drill/text.ts'
import { timelineOf } from '../../../src/lab/drill/timeline.ts'
import type { History, Op } from '../../../src/lab/history.ts'

const header: History['header'] = { version: 1, world: 'shop', bootId: 'x', epochOffsetMs: 0 }
const historyOf = (ops: readonly Op[]): History => ({ header, ops, marks: [] })

/** Writes acknowledged every 100 ms during these spans. */
const writing = (...spans: [fromMs: number, toMs: number][]): Op[] =>
  spans
    .flatMap(([fromMs, toMs]) =>
      Array.from({ length: (toMs - fromMs) / 100 + 1 }, (_, i) => fromMs + i * 100),
    )
    .map((atMs, id) => ({
      ...{ id, user: 'u', edge: 'us-east', kind: 'append', list: 'l', value: `v${id}` },
      ...{ invokedMs: atMs - 10, completedMs: atMs, outcome: 'ok', why: '' },
    }))

const read = (edge: string, source: 'primary' | 'replica', why?: string): Op => ({
  ...{ id: 0, user: 'u', edge, kind: 'readList', list: 'l', source, values: [] },
  ...{ invokedMs: 1, completedMs: 2, outcome: why === undefined ? 'ok' : 'fail', why: why ?? '' },
})

const figures = (drillEvents: readonly DrillEvent[], ops: readonly Op[]): Figures =>
  figuresOf({
    history: historyOf(ops),
    ...{ drillEvents, timeline: [], guarantees: [], hit: ['us-east'], slo: { latencyMs: 100, share: 0.95 } },
  })
const written = (drillEvents: readonly DrillEvent[], ops: readonly Op[]) => {
  const { toWritableMs, longestWritePause } = figures(drillEvents, ops)
  const again = timelineOf({ drillEvents, events: [], samples: [], history: historyOf(ops) }).find(
    ({ kind }) => kind === 'write',
  )
  return { toWritableMs, longestMs: longestWritePause?.ms, againMs: again?.atMs }
}
const fault = (atMs: number, as = 'fault'): DrillEvent => ({ atMs, kind: 'fault', what: `kill ${as}`, as })
const healed = (atMs: number, as = 'fault'): DrillEvent => ({ atMs, kind: 'healed', what: `start ${as}`, as })
const settled = (atMs: number): DrillEvent => ({ atMs, kind: 'settled', what: 'well' })

suite('the time to writable', () => {
  test('measures the pause that the fault caused, even if a later one is longer', () => {
    const drillEvents = [fault(10_000), healed(30_000), settled(40_000)]
    const ops = writing([5_000, 10_000], [12_500, 50_000], [56_000, 60_000])
    assert.deepEqual(written(drillEvents, ops), { toWritableMs: 2_500, longestMs: 6_000, againMs: 2_500 })
  })

  test('is omitted if writes paused only after everything was healed', () => {
    const drillEvents = [fault(10_000), healed(30_000), settled(40_000)]
    const ops = writing([5_000, 55_600], [56_900, 60_000])
    assert.deepEqual(written(drillEvents, ops), {
      toWritableMs: undefined,
      longestMs: 1_300,
      againMs: undefined,
    })
    const [, [, text]] = figureLines(figures(drillEvents, ops)) as [unknown, [string, string]]
    assert.equal(text, 'no fault paused writes')
  })

  test('counts from the step that paused writes, not from the first one', () => {
    const drillEvents = [
      ...[fault(10_000, 'us-central'), settled(20_000), fault(20_100, 'us-west'), settled(40_000)],
      ...[fault(84_900, 'us-east'), settled(99_000)],
    ]
    const ops = writing([5_000, 85_000], [91_300, 99_500])
    assert.deepEqual(written(drillEvents, ops), { toWritableMs: 6_400, longestMs: 6_300, againMs: 81_300 })
  })

  test('counts from the latest fault active when writes paused', () => {
    const drillEvents = [fault(10_000, 'a'), fault(20_000, 'b'), healed(30_000, 'b'), healed(40_000, 'a')]
    assert.equal(written(drillEvents, writing([5_000, 20_000], [23_000, 50_000])).toWritableMs, 3_000)
    // `b` started long after writes had paused.
    assert.equal(written(drillEvents, writing([5_000, 10_000], [23_000, 50_000])).toWritableMs, 13_000)
  })
})

suite('“in two regions again”', () => {
  type Word = { primary: string; durability: string; ageMs?: number; streaming?: boolean }
  const sample = (atMs: number, words: Record<string, Word>): Sample => ({
    atMs,
    regions: Object.entries(words).map(([name, { ageMs = 100, streaming = true, ...word }]) => ({
      name,
      status: {
        region: name,
        world: { ...word, ageMs, lag: { 'us-east': { streaming } } },
      } as unknown as RegionStatus,
    })),
  })
  const moments = (samples: readonly Sample[]) =>
    timelineOf({
      ...{ drillEvents: [fault(10_000), healed(30_000)], events: [], history: historyOf([]) },
      samples,
    }).flatMap(({ atMs, kind }) => (kind === 'synchronous' || kind === 'rejoined' ? [[kind, atMs]] : []))

  const alone = { primary: 'us-west', durability: 'at risk', streaming: false }
  const well = { primary: 'us-west', durability: 'region' }

  test('ignores the former primary, which has just reconnected', () => {
    const former = { primary: 'us-east', durability: 'region' }
    const samples = [
      sample(15_000, { 'us-west': alone }),
      // Its view from before the cut, then a fresh one that is still older than the others'.
      sample(30_290, { 'us-east': { ...former, ageMs: 20_200 }, 'us-west': alone }),
      sample(30_500, { 'us-east': { ...former, ageMs: 900 }, 'us-west': alone }),
      sample(31_000, { 'us-east': { ...former, ageMs: 20_900 } }),
      sample(50_010, { 'us-east': well, 'us-west': well }),
    ]
    assert.deepEqual(moments(samples), [
      ['rejoined', 40_010],
      ['synchronous', 40_010],
    ])
  })

  test('relies only on the primary', () => {
    const samples = [
      sample(15_000, { 'us-west': alone }),
      sample(31_000, { 'us-east': well, 'us-west': alone }),
    ]
    assert.deepEqual(moments(samples), [])
  })
})

test('failed reads at edges without a fault are listed by kind and error, most frequent first', () => {
  const ops = [
    read('us-west', 'primary', '57P01: terminating connection'),
    read('us-west', 'primary', '57P01: terminating connection'),
    read('us-west', 'replica', 'ECONNRESET:\n read'),
    read('us-west', 'replica'),
    read('us-east', 'replica', 'ECONNREFUSED'),
  ]
  const { reads } = figures([fault(0), healed(10)], ops)
  assert.deepEqual([reads.all, reads.failed, reads.failedElsewhere], [5, 4, 3])
  const lines = figureLines(figures([fault(0), healed(10)], ops)).filter(([name]) => /at edges/.test(name))
  assert.deepEqual(
    lines.map(([, text]) => text),
    [
      '2 × lists by SQL (primary): 57P01: terminating connection',
      '1 × lists by SQL (replica): ECONNRESET: read',
    ],
  )
})
