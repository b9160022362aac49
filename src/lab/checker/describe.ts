import type { Op } from '../history.ts'

const subjects = {
  append: (op) => `the append of ${op.value} to ${op.list}`,
  readList: (op) => `the read of ${op.list}, ${op.source},`,
  transfer: (op) => `transfer ${op.reference} (${op.amount} from ${op.from} to ${op.to})`,
  readAccounts: (op) => `the read of all accounts, ${op.source},`,
  order: (op) => `order ${op.reference}`,
  readOrders: () => 'the order history',
  page: (op) => `page ${op.path}`,
} satisfies { [Kind in Op['kind']]: (op: Extract<Op, { kind: Kind }>) => string }

/** An operation as a sentence, with user, region and its id in the history. */
export function describe(op: Op): string {
  const subject = (subjects[op.kind] as (op: Op) => string)(op)
  return `${subject} by ${op.user} at ${op.edge} (operation ${op.id})`
}

/** "a, b, c and 4 more". */
export function someOf(names: readonly string[], most = 3): string {
  const rest = names.length - most
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ')
}
