import type { ReadListOp, ReadOrdersOp } from '../history.ts'
import { describe } from './describe.ts'
import { appendKey, type Evidence, nameOfKey, orderKey } from './evidence.ts'
import type { Finding } from './types.ts'

/** Nothing is there, at the end or in any read, that nobody tried to write. */
export function nothingUnasked({ ops, tried, views, lists }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, counts } of views)
    for (const key of counts.keys()) {
      checkedOps += 1
      if (!tried.has(key))
        violations.push({ what: `${nameOfKey(key)} is in ${name}, and nobody tried it`, ops: [] })
    }

  const look = (
    op: ReadListOp | ReadOrdersOp,
    values: readonly string[],
    keyOf: (value: string) => string,
  ) => {
    checkedOps += 1
    const strange = values.find((value) => !tried.has(keyOf(value)))
    if (strange !== undefined)
      violations.push({ what: `${describe(op)} showed ${strange}, which nobody tried`, ops: [op.id] })
  }
  for (const { name, reads, isFinal } of lists.values())
    for (const { op, prefix } of reads) {
      // What is in a beginning of the final list has been looked at already.
      if (isFinal && prefix !== undefined) checkedOps += 1
      else look(op, op.values, (value) => appendKey(name, value))
    }
  for (const op of ops) if (op.kind === 'readOrders' && op.outcome === 'ok') look(op, op.references, orderKey)
  return { violations, checkedOps }
}
