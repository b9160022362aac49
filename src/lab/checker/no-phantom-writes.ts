import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/** No entry exists in a final database or in a read that no user tried to write. */
export function noPhantomWrites({ ops, numbers, views, lists }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, counts, unasked } of views) {
    checkedOps += counts.reduce((sum, count) => sum + Math.min(count, 1), unasked.size)
    for (const what of unasked.keys())
      violations.push({ what: `${what} is in ${name}, but no user wrote it`, ops: [] })
  }

  for (const { name, reads, isFinal } of lists.values())
    for (const { op, prefix } of reads) {
      checkedOps += 1
      // Prefixes of the final list were covered above.
      if (isFinal && prefix !== undefined) continue
      const strange = op.values.find((value) => numbers.append(name, value) === undefined)
      if (strange !== undefined)
        violations.push({ what: `${describe(op)} showed ${strange}, which no user wrote`, ops: [op.id] })
    }
  for (const op of ops) {
    if (op.kind !== 'readOrders' || op.outcome !== 'ok') continue
    checkedOps += 1
    const strange = op.references.find((reference) => numbers.order(reference) === undefined)
    if (strange !== undefined)
      violations.push({ what: `${describe(op)} showed ${strange}, which no user wrote`, ops: [op.id] })
  }
  return { violations, checkedOps }
}
