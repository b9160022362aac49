import { describe } from './describe.ts'
import { type Evidence, nameOf } from './evidence.ts'
import { readWrites } from './read-writes.ts'
import type { Finding } from './types.ts'

/** No write appears twice in a final database or in a read, whatever its outcome. */
export function noDuplicateWrites(evidence: Evidence): Finding {
  const { writes, views } = evidence
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, counts, unasked } of views) {
    for (const [number, write] of writes.entries()) {
      const count = counts[number]!
      if (count > 0) checkedOps += 1
      if (count > 1)
        violations.push({
          what: `${nameOf(write)} appears ${count} times in ${name}`,
          ops: write.ops.map(({ id }) => id),
        })
    }
    for (const [what, count] of unasked)
      if (count > 1) violations.push({ what: `${what} appears ${count} times in ${name}`, ops: [] })
  }
  for (const { op, numbers } of readWrites(evidence)) {
    checkedOps += 1
    const seen = new Set<number>()
    const twice = numbers.find((number) => seen.size === seen.add(number).size)
    if (twice !== undefined)
      violations.push({
        what: `${describe(op)} showed ${nameOf(writes[twice]!)} twice`,
        ops: [...writes[twice]!.ops.map(({ id }) => id), op.id],
      })
  }
  return { violations, checkedOps }
}
