import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/**
 * Everything that a user read exists at the end. Stronger than an acknowledgement: a database may show a write that is
 * not yet acknowledged, and lose it.
 */
export function noLostReads({ ops, numbers, lists, views }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, isFinal, position, reads } of lists.values()) {
    if (!isFinal) continue
    for (const { op, prefix } of reads) {
      checkedOps += 1
      const gone = prefix === undefined && op.values.find((value) => !position.has(value))
      if (typeof gone === 'string')
        violations.push({
          what: `${describe(op)} showed ${gone}, which is no longer in ${name}`,
          ops: [op.id],
        })
    }
  }
  const shop = views.find(({ shows }) => shows.has('order'))
  // Zero for entries that no user wrote: they are missing as well, but no-phantom-writes reports them.
  const countOf = (reference: string) => shop?.counts[numbers.order(reference) ?? -1] ?? 0
  for (const op of ops) {
    if (!shop || op.kind !== 'readOrders' || op.outcome !== 'ok') continue
    checkedOps += 1
    const gone = op.references.find((reference) => countOf(reference) === 0)
    if (gone !== undefined)
      violations.push({
        what: `${describe(op)} showed order ${gone}, which no longer exists`,
        ops: [op.id],
      })
  }
  return { violations, checkedOps }
}
