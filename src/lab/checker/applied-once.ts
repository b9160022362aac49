import { type Evidence, nameOf } from './evidence.ts'
import type { Finding } from './types.ts'

/** No write is there twice, in no database, whatever its users were told. */
export function appliedOnce({ writes, views }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, counts, unasked } of views) {
    for (const [number, write] of writes.entries()) {
      const count = counts[number]!
      if (count > 0) checkedOps += 1
      if (count > 1)
        violations.push({
          what: `${nameOf(write)} is ${count} times in ${name}`,
          ops: write.ops.map(({ id }) => id),
        })
    }
    for (const [what, count] of unasked)
      if (count > 1) violations.push({ what: `${what} is ${count} times in ${name}`, ops: [] })
  }
  return { violations, checkedOps }
}
