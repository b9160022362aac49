import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/** At the end, every acknowledged write exists in every database that was queried for its kind. */
export function noLostWrites({ writes, views }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const [number, { kind, ops, outcome }] of writes.entries()) {
    const asked = views.filter(({ shows }) => shows.has(kind))
    if (outcome !== 'ok' || asked.length === 0) continue
    checkedOps += 1
    const without = asked.filter(({ counts }) => counts[number] === 0)
    if (without.length === 0) continue
    const acknowledged = ops.filter((op) => op.outcome === 'ok')
    violations.push({
      what: `${describe(acknowledged[0]!)} was acknowledged but is missing from ${without.map(({ name }) => name).join(', ')}`,
      ops: acknowledged.map(({ id }) => id),
    })
  }
  return { violations, checkedOps }
}
