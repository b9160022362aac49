import { check } from '../../../src/lab/checker/check.ts'
import type { GuaranteeId, Promises, Violation } from '../../../src/lab/checker/types.ts'
import type {
  AppendOp,
  FinalState,
  History,
  Op,
  OrderOp,
  ReadAccountsOp,
  ReadListOp,
  ReadOrdersOp,
  TransferOp,
  View,
} from '../../../src/lab/history.ts'

/** Hand-written histories: `from` and `to` are the start and end of an operation. */

let nextId = 0
const common = (from: number, to: number) => ({
  id: nextId++,
  user: 'ann',
  edge: 'east',
  invokedMs: from,
  completedMs: to,
  outcome: 'ok' as const,
  why: '',
})

type Changes<T> = Partial<Omit<T, 'kind'>>

export const append = (
  list: string,
  value: string,
  [from, to]: [number, number],
  changes: Changes<AppendOp> = {},
): AppendOp => ({ ...common(from, to), kind: 'append', list, value, ...changes })

/** Values as one word: 'abc' is the list a, b, c. */
export const readList = (
  list: string,
  values: string,
  [from, to]: [number, number],
  changes: Changes<ReadListOp> = {},
): ReadListOp => ({
  ...common(from, to),
  kind: 'readList',
  list,
  source: 'replica',
  values: [...values],
  ...changes,
})

export const transfer = (
  reference: string,
  [from, amount, to]: [string, number, string],
  changes: Changes<TransferOp> = {},
): TransferOp => ({ ...common(0, 1), kind: 'transfer', reference, from, to, amount, ...changes })

export const readAccounts = (
  balances: [string, number][],
  changes: Changes<ReadAccountsOp> = {},
): ReadAccountsOp => ({ ...common(0, 1), kind: 'readAccounts', source: 'replica', balances, ...changes })

export const order = (
  reference: string,
  [from, to]: [number, number],
  changes: Changes<OrderOp> = {},
): OrderOp => ({ ...common(from, to), kind: 'order', reference, customer: 'c', ...changes })

export const readOrders = (
  references: string,
  [from, to]: [number, number],
  changes: Changes<ReadOrdersOp> = {},
): ReadOrdersOp => ({
  ...common(from, to),
  kind: 'readOrders',
  customer: 'c',
  references: [...references],
  ...changes,
})

export const historyOf = (...ops: Op[]): History => ({
  header: { version: 1, world: 'test', bootId: 'boot', epochOffsetMs: 0 },
  ops,
  marks: [],
})

type Doctorable = FinalState & { views: View[] }

/** A primary and two replicas with this content. */
export function finalOf(shown: Partial<View>, changes: Partial<FinalState> = {}): Doctorable {
  const views: View[] = [
    { region: 'east', source: 'primary', ...shown },
    { region: 'east', source: 'replica', ...shown },
    { region: 'west', source: 'replica', ...shown },
  ]
  return { absent: [], ...changes, views }
}

/** Views of these lists: { l: 'abc' } is the list l of a, b, c. */
export const lists = (shown: Record<string, string>): Pick<View, 'lists'> => ({
  lists: Object.entries(shown).map(([list, values]) => [list, [...values]]),
})

export const everything: Promises = { durability: 'region', readYourWrites: true, monotonicReads: true }

/** The violations of one guarantee. */
export function violationsOf(id: GuaranteeId, history: History, final: FinalState): Violation[] {
  return check(history, final, everything).find((one) => one.id === id)!.violations
}

/** All violations by guarantee; {} for a correct history. */
export function allViolations(history: History, final: FinalState): Partial<Record<GuaranteeId, string[]>> {
  return Object.fromEntries(
    check(history, final, everything)
      .filter(({ violations }) => violations.length > 0)
      .map(({ id, violations }) => [id, violations.map(({ what }) => what)]),
  )
}
