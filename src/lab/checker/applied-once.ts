import { type Evidence, nameOfKey } from './evidence.ts'
import type { Finding } from './types.ts'

/** No write is there twice, in no database, whatever its users were told. */
export function appliedOnce({ tried, views }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const { name, counts } of views)
    for (const [key, count] of counts) {
      checkedOps += 1
      if (count > 1)
        violations.push({
          what: `${nameOfKey(key)} is ${count} times in ${name}`,
          ops: (tried.get(key)?.ops ?? []).map(({ id }) => id),
        })
    }
  return { violations, checkedOps }
}
