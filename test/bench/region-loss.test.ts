import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Loss, measureLoss } from '../../bench/failover/loss.ts'
import { ratioOf, verdictOf } from '../../bench/figure.ts'
import type { Losses } from '../../bench/lab/losses.ts'
import { parseLog } from '../../bench/lab/pgbench.ts'
import { figuresOf } from '../../bench/region-loss.ts'

const loss = (pauseSeconds: number): Loss => ({
  ...measureLoss({ primary: 'us-east', attempts: [], fault: { fromMs: 0, toMs: 1 }, rejoinSeconds: 20 }),
  orders: { acknowledged: 1000, refused: 3, unknown: 2 },
  pauseSeconds,
})
const losses = (killed: number[], silent: number[], violations: Losses['violations'] = []): Losses => ({
  roundTripMs: 63.5,
  measured: [
    ...killed.map((pause) => ({ timing: '', fault: 'killed' as const, loss: loss(pause) })),
    ...silent.map((pause) => ({ timing: '', fault: 'unreachable' as const, loss: loss(pause) })),
  ],
  violations,
})
const figure = (figures: ReturnType<typeof figuresOf>, what: string) => {
  const found = figures.find((one) => one.what.startsWith(what))
  assert.ok(found, `${what} in ${figures.map((one) => one.what).join('; ')}`)
  return found
}

test('pauses are compared with targets and with Patroni’s default', () => {
  const figures = figuresOf(losses([3, 2, 4], [6, 6.5, 7]), {
    default: losses([30, 24, 28], [20, 22, 24]),
    other: losses([20], [21]),
  })
  const killed = figure(figures, 'killed: writes paused, median of 3')
  assert.deepEqual([killed.value, killed.spread, verdictOf(killed)], [3, [2, 4], 'met'])
  assert.equal(verdictOf(figure(figures, 'unreachable: writes paused')), 'missed')
  const beside = figure(figures, '  killed, against default')
  assert.deepEqual([beside.peer!.value, beside.peer!.ratioSpread], [28, [2 / 30, 4 / 24]])
  assert.equal(verdictOf(beside), 'met')
  assert.equal(verdictOf(figure(figures, '  unreachable, against default')), 'missed')
  assert.equal(verdictOf(figure(figures, '  killed, against other')), undefined)
  assert.equal(ratioOf(figure(figures, '  killed, against other')), 3 / 20)
})

test('a lost write misses our target', () => {
  const broken: Losses['violations'] = [
    {
      guarantee: 'no-lost-writes',
      what: 'order t0-1 is not in the primary, us-west’s database',
      ops: [1],
    },
    { guarantee: 'no-duplicate-writes', what: 'order t0-2 is 2 times in the primary', ops: [2] },
  ]
  const figures = figuresOf(losses([1], [1], broken), { default: losses([1], [1], broken) })
  const ours = figure(figures, 'Nearside: acknowledged writes lost')
  assert.deepEqual([ours.value, verdictOf(ours)], [1, 'missed'])
  assert.match(ours.note!, /^of 2,000; 10 others .*other guarantees broken: order t0-2 is 2 times/)
  assert.equal(verdictOf(figure(figures, 'default: acknowledged writes lost')), undefined)
})

test('the log of pgbench has the duration of each transaction', () => {
  assert.deepEqual(
    parseLog('0 1 65321 0 1763900000 12345 120\n1 1 800 0 1763900000 12400 3\n'),
    [65.321, 0.8],
  )
  assert.throws(() => parseLog('0 1 skipped 0 1763900000 12345\n'), /skipped/)
})
