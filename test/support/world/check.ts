import { check, type Promises, type Violation } from '../../../src/lab/checker/index.ts'
import type { FinalState, OrderOp, Source, View } from '../../../src/lab/history.ts'
import type { Attempt } from './history.ts'

/** What every world is held to; also one that promises less, to show that what it breaks would be found. */
const promises: Promises = { durability: 'region', readYourWrites: false, monotonicReads: false }

/** Holds what was tried against what is there, with the checker that drills use. */
export function violationsIn(attempts: readonly Attempt[], final: FinalState): Violation[] {
  return check({ ops: ordersIn(attempts) }, final, promises)
    .filter(({ promised }) => promised)
    .flatMap(({ violations }) => violations)
}

/** To the checker every write is an order. Users know nothing of each other, so each has one. */
function ordersIn(attempts: readonly Attempt[]): OrderOp[] {
  return attempts
    .toSorted((a, b) => a.endedMs - b.endedMs)
    .flatMap(({ kind: _, reference, startedMs, endedMs, ...rest }, id) => {
      if (reference === undefined) return []
      const times = { invokedMs: startedMs, completedMs: endedMs }
      return [{ ...rest, ...times, id, kind: 'order', user: 'a user', customer: reference, reference }]
    })
}

/** What a database shows: how often each reference is there. */
export function viewOf(region: string, source: Source, entries: ReadonlyMap<string, number>): View {
  return { region, source, orders: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)) }
}

/** One line each, for a test's failure. */
export function linesOf(violations: readonly Violation[], most = 20): string[] {
  const lines = violations.slice(0, most).map(({ guarantee, what }) => `${guarantee}: ${what}`)
  const rest = violations.length - lines.length
  return rest > 0 ? [...lines, `and ${rest} more`] : lines
}
