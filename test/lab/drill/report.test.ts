import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Guarantee } from '../../../src/lab/checker/index.ts'
import { marksOf } from '../../../src/lab/drill/chart.ts'
import { figuresOf } from '../../../src/lab/drill/figures.ts'
import { reportHtml } from '../../../src/lab/drill/html.ts'
import type { Moment } from '../../../src/lab/drill/timeline.ts'
import type { DrillResult } from '../../../src/lab/drill/types.ts'
import type { History, Op } from '../../../src/lab/history.ts'

const timeline: Moment[] = [
  { atMs: 0, kind: 'fault', what: 'restart us-central in good order' },
  { atMs: 900, kind: 'settled', what: 'everything is ready, healthy and in sync' },
  { atMs: 1000, kind: 'fault', what: 'restart us-west in good order' },
  { atMs: 1900, kind: 'primary', what: 'the primary is in us-west' },
  { atMs: 2000, kind: 'settled', what: 'everything is ready, healthy and in sync' },
  { atMs: 20_000, kind: 'healed', what: 'restart us-east' },
  { atMs: 40_000, kind: 'settled', what: 'everything is ready, healthy and in sync' },
]

/** From 10 s before the first fault to 45 s after it; a thousand operations fail at 1 s. */
function ops(): Op[] {
  const all: Op[] = []
  const add = (atMs: number, kind: 'append' | 'page', outcome: 'ok' | 'fail') =>
    all.push({
      ...{ id: all.length, user: 'u', edge: 'us-east', list: 'l', value: `${all.length}`, path: '/' },
      ...{ invokedMs: atMs, completedMs: atMs, outcome, why: '', kind },
    } as Op)
  for (let atMs = 0; atMs < 55_000; atMs += 25) {
    add(atMs, 'page', 'ok')
    if (atMs % 50 === 0) add(atMs, 'append', atMs > 11_000 && atMs < 14_000 ? 'fail' : 'ok')
  }
  for (let i = 0; i < 1000; i += 1) add(11_500, 'page', 'fail')
  return all
}

function result(): DrillResult {
  const header: History['header'] = { version: 1, world: 'shop', bootId: 'x', epochOffsetMs: 0 }
  const history: History = { header, ops: ops(), marks: [] }
  const guarantee = (title: string, promised: boolean, found: number): Guarantee => ({
    ...{ id: 'read-your-writes', title, promised, checkedOps: 1234 },
    violations: Array.from({ length: found }, (_, i) => ({
      ...{ guarantee: 'read-your-writes', ops: [i] },
      what: `op ${i} does not show ${Array.from({ length: 200 }, (_, n) => `v${n}`).join(', ')}`,
    })),
  })
  const guarantees = [
    guarantee('no acknowledged write is lost', true, 0),
    guarantee('users read their own writes', false, 812),
    guarantee('no refused write exists', true, 2),
  ]
  const drillEvents = [{ atMs: 10_000, kind: 'fault' as const, what: 'x' }]
  return {
    plan: { scenario: 'rolling-restart', world: 'shop', about: 'all are restarted.', steps: [] } as never,
    ...{ seed: 1, faultAt: 10_000, timeline, guarantees, settled: true, ok: false, notes: [], history },
    figures: figuresOf({
      ...{ history, drillEvents, timeline, guarantees, hit: [], slo: { latencyMs: 100, share: 0.95 } },
    }),
    final: { views: [], absent: [] },
  }
}

test('labels of close moments are stacked and never overlap', () => {
  const marks = marksOf(timeline, (second) => 44 + (second + 10) * 15)
  const taken = marks.placed.map(({ from, kind, row }) => ({ row, from, to: from + kind.length * 6.2 }))
  for (const [i, a] of taken.entries())
    for (const b of taken.slice(i + 1))
      assert.ok(a.row === undefined || a.row !== b.row || a.to <= b.from || b.to <= a.from)
  assert.ok(marks.rows > 1 && marks.rows <= 4)
})

test('a thousand failures in a second do not flatten the answered operations', () => {
  const page = reportHtml(result(), '0')
  const scales = [...page.matchAll(/>(\d+)\/s</g)].map(([, most]) => Number(most))
  assert.deepEqual(scales, [40, 1019])
})

test('violations are counted, a few are shown truncated, and all are collapsed unless a guarantee is broken', () => {
  const page = reportHtml(result(), '0')
  assert.match(page, /<details><summary>users read their own writes: 812</)
  assert.match(page, /<details open><summary>no refused write exists: 2</)
  assert.match(page, /and 807 more/)
  assert.ok(Math.max(...[...page.matchAll(/<li>(.*?)<\/li>/g)].map(([, text]) => text!.length)) <= 300)
  assert.doesNotMatch(page, /<script|https?:/)
})
