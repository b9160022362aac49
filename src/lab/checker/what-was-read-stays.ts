import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/**
 * What anybody has read is there at the end. Stronger than what an acknowledgement promises: a database may show a
 * write that is not acknowledged yet, and lose it.
 */
export function whatWasReadStays({ ops, numbers, lists, views }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, isFinal, position, reads } of lists.values()) {
    if (!isFinal) continue
    for (const { op, prefix } of reads) {
      checkedOps += 1
      const gone = prefix === undefined && op.values.find((value) => !position.has(value))
      if (typeof gone === 'string')
        violations.push({
          what: `${describe(op)} showed ${gone}, which is not in ${name} any more`,
          ops: [op.id],
        })
    }
  }
  const shop = views.find(({ shows }) => shows.has('order'))
  // Zero for what nobody tried: it is not there either, and nothing-unasked says so.
  const countOf = (reference: string) => shop?.counts[numbers.order(reference) ?? -1] ?? 0
  for (const op of ops) {
    if (!shop || op.kind !== 'readOrders' || op.outcome !== 'ok') continue
    checkedOps += 1
    const gone = op.references.find((reference) => countOf(reference) === 0)
    if (gone !== undefined)
      violations.push({
        what: `${describe(op)} showed order ${gone}, which is not there any more`,
        ops: [op.id],
      })
  }
  return { violations, checkedOps }
}
