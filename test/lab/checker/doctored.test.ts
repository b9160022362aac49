import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { check } from '../../../src/lab/checker/check.ts'
import type { GuaranteeId } from '../../../src/lab/checker/types.ts'
import { verdictOf } from '../../../src/lab/checker/verdict.ts'
import type { AppendOp, FinalState, Op, ReadAccountsOp, ReadListOp, View } from '../../../src/lab/history.ts'
import { isBroken } from '../../support/broken.ts'
import { allViolations, everything } from './histories.ts'
import { simulated } from './simulated.ts'

type Recorded = ReturnType<typeof simulated>

const seeds = fc.integer({ min: 0, max: 1_000_000 })
const operations = 600

/** Changes one operation; undefined if the history has no suitable one. */
function changeOp<T extends Op>(
  { history, final }: Recorded,
  isIt: (op: Op) => op is T,
  change: (op: T) => T,
): Recorded | undefined {
  const at = history.ops.findLastIndex(isIt)
  if (at < 0) return undefined
  return { history: { ...history, ops: history.ops.with(at, change(history.ops[at] as T)) }, final }
}

const changeViews = ({ history, final }: Recorded, change: (view: View) => View): Recorded => ({
  history,
  final: { ...final, views: final.views.map(change) } satisfies FinalState,
})

const isAcknowledged = (op: Op): op is AppendOp => op.kind === 'append' && op.outcome === 'ok'
const isLongRead = (op: Op): op is ReadListOp => op.kind === 'readList' && op.values.length > 1
const isAccounts = (op: Op): op is ReadAccountsOp => op.kind === 'readAccounts'

/** False histories, each with the guarantee that it breaks. */
const lies: { lie: string; breaks: GuaranteeId; tell: (recorded: Recorded) => Recorded | undefined }[] = [
  {
    lie: 'an acknowledged append is missing from every database',
    breaks: 'no-lost-writes',
    tell: (recorded) => {
      const lost = recorded.history.ops.findLast(isAcknowledged)!
      const without = (values: readonly string[]) => values.filter((value) => value !== lost.value)
      return changeViews(recorded, (view) => ({
        ...view,
        lists: view.lists!.map(([list, values]) => [list, without(values)]),
      }))
    },
  },
  {
    lie: 'an acknowledged append is recorded as refused',
    breaks: 'no-refused-writes',
    tell: (recorded) => changeOp(recorded, isAcknowledged, (op) => ({ ...op, outcome: 'fail' })),
  },
  {
    lie: 'a write is missing from the history',
    breaks: 'no-phantom-writes',
    tell: ({ history, final }) => {
      const forgotten = history.ops.findLast(isAcknowledged)!
      return { history: { ...history, ops: history.ops.filter((op) => op !== forgotten) }, final }
    },
  },
  {
    lie: 'a transfer exists twice',
    breaks: 'no-duplicate-writes',
    tell: (recorded) =>
      changeViews(recorded, (view) => ({
        ...view,
        transfers: view.transfers!.map(([reference, count], at) => [reference, at === 0 ? 2 : count]),
      })),
  },
  {
    lie: 'the last acknowledgement comes from the first primary',
    breaks: 'one-primary',
    tell: (recorded) => {
      const placed = recorded.history.ops.filter(isAcknowledged)
      const [first, last] = [placed[0]!, placed.at(-1)!]
      if (first.place!.timeline === last.place!.timeline) return undefined
      // Long after everything else, so that only the place is wrong.
      const later = { invokedMs: 1e6, completedMs: 1e6 + 1, commitSentMs: 1e6, place: first.place! }
      return changeOp(recorded, isAcknowledged, (op) => ({ ...op, ...later }))
    },
  },
  {
    lie: 'a snapshot has too high a total',
    breaks: 'constant-total',
    tell: (recorded) =>
      changeOp(recorded, isAccounts, (op) => ({
        ...op,
        balances: op.balances.map(([account, balance], at) => [account, at === 0 ? balance + 1 : balance]),
      })),
  },
  {
    lie: 'a read shows two values in reverse order',
    breaks: 'one-order',
    tell: (recorded) =>
      changeOp(recorded, isLongRead, (op) => ({
        ...op,
        values: [op.values[1]!, op.values[0]!, ...op.values.slice(2)],
      })),
  },
  {
    lie: 'one replica has an older state',
    breaks: 'replicas-equal',
    tell: (recorded) =>
      changeViews(recorded, (view) =>
        view.region === 'west' ? { ...view, orders: view.orders!.slice(0, -1) } : view,
      ),
  },
  {
    lie: 'a read belongs to a user who has seen more',
    breaks: 'monotonic-reads',
    tell: (recorded) => {
      const full = recorded.history.ops.findLast(isLongRead)
      if (!full) return undefined
      const empty = { ...full, id: 1_000_000, invokedMs: 1e6, completedMs: 1e6 + 1, values: [] }
      return { ...recorded, history: { ...recorded.history, ops: [...recorded.history.ops, empty] } }
    },
  },
  {
    lie: 'a read belongs to a user who has written more',
    breaks: 'read-your-writes',
    tell: (recorded) => {
      const { list, user } = recorded.history.ops.findLast(isAcknowledged)!
      const empty: Op = {
        ...{
          id: 1_000_000,
          user,
          edge: 'east',
          invokedMs: 1e6,
          completedMs: 1e6 + 1,
          outcome: 'ok',
          why: '',
        },
        ...{ kind: 'readList', list, source: 'replica', values: [] },
      }
      return { ...recorded, history: { ...recorded.history, ops: [...recorded.history.ops, empty] } }
    },
  },
]

describe('a history of a perfect world', () => {
  test('breaks no guarantee', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { history, final } = simulated(seed, operations)
        assert.deepEqual(allViolations(history, final), {})
      }),
    )
  })

  for (const { lie, breaks, tell } of lies)
    test(`is reported as broken if ${lie}`, () => {
      fc.assert(
        fc.property(seeds, (seed) => {
          const told = tell(simulated(seed, operations))
          fc.pre(told !== undefined)
          const found = check(told!.history, told!.final, everything).find(({ id }) => id === breaks)!
          assert.equal(verdictOf(found), 'broken')
        }),
        { numRuns: 30 },
      )
    })

  test('is checked in linear time', () => {
    /** CPU time, which excludes other work on this machine. */
    const effortOf = (count: number) => {
      const { history, final } = simulated(1, count)
      const before = process.cpuUsage()
      assert.ok(!isBroken(check(history, final, everything)))
      return process.cpuUsage(before).user / 1000
    }
    effortOf(20_000)
    const [small, large] = [effortOf(20_000), effortOf(200_000)]
    // Linear means a factor of 10; quadratic would be 100.
    assert.ok(
      large < 40 * small + 1000,
      `${small.toFixed(0)} ms for 20,000, ${large.toFixed(0)} ms for 200,000`,
    )
  })
})
