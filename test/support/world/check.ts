import { check, type Promises, type Violation } from '../../../src/lab/checker/index.ts'
import type { FinalState, OrderOp, Source, View } from '../../../src/lab/history.ts'
import type { Attempt } from './history.ts'

/** Promises that every world is checked against, even one that promises less, to prove that violations are found. */
const promises: Promises = { durability: 'region', readYourWrites: false, monotonicReads: false }

/** Compares attempted writes with the databases, using the checker of drills. */
export function violationsIn(attempts: readonly Attempt[], final: FinalState): Violation[] {
  return check({ ops: ordersIn(attempts) }, final, promises)
    .filter(({ promised }) => promised)
    .flatMap(({ violations }) => violations)
}

/** Presents every write to the checker as an order of a separate user. */
function ordersIn(attempts: readonly Attempt[]): OrderOp[] {
  return attempts
    .toSorted((a, b) => a.endedMs - b.endedMs)
    .flatMap(({ kind: _, reference, startedMs, endedMs, ...rest }, id) => {
      if (reference === undefined) return []
      const times = { invokedMs: startedMs, completedMs: endedMs }
      return [{ ...rest, ...times, id, kind: 'order', user: 'a user', customer: reference, reference }]
    })
}

/** A database's contents: the number of occurrences of each reference. */
export function viewOf(region: string, source: Source, entries: ReadonlyMap<string, number>): View {
  return { region, source, orders: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)) }
}

/** One line per violation, for error messages. */
export function linesOf(violations: readonly Violation[], most = 20): string[] {
  const lines = violations.slice(0, most).map(({ guarantee, what }) => `${guarantee}: ${what}`)
  const rest = violations.length - lines.length
  return rest > 0 ? [...lines, `and ${rest} more`] : lines
}
