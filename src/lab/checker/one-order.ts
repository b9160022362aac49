import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import { beginsWith, type ListEvidence } from './lists.ts'
import type { Finding } from './types.ts'

/**
 * Every list has one order, the same for all who ever looked, wherever they did:
 *
 * - every read is a beginning of the final list (what a read showed and is gone is left out here: see
 *   what-was-read-stays)
 * - every acknowledged append is in it
 * - an append that was acknowledged before another was begun stands before it, whatever became of the other
 */
export function oneOrder({ lists }: Evidence): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const list of lists.values()) {
    checkedOps += list.reads.length + list.appends.length
    violations.push(...strayReads(list), ...(list.isFinal ? missing(list) : []), ...swapped(list))
  }
  return { violations, checkedOps }
}

function strayReads({ name, order, position, reads }: ListEvidence): Finding['violations'] {
  return reads.flatMap(({ op, prefix }) => {
    if (prefix !== undefined) return []
    const still = op.values.filter((value) => position.has(value))
    if (beginsWith(order, still)) return []
    const at = still.findIndex((value, index) => value !== order[index])
    return [
      {
        what: `${describe(op)} showed ${still[at]} at place ${at + 1}, where ${name} has ${order[at] ?? 'nothing'}`,
        ops: [op.id],
      },
    ]
  })
}

function missing({ name, position, appends }: ListEvidence): Finding['violations'] {
  return appends
    .filter((op) => op.outcome === 'ok' && !position.has(op.value))
    .map((op) => ({ what: `${describe(op)} was acknowledged and has no place in ${name}`, ops: [op.id] }))
}

/**
 * From the end: what comes later must not have been acknowledged before this was begun. That holds for what is there
 * without an acknowledgement, too: it was done at some time, and no time is before its beginning.
 */
function swapped({ name, position, appends }: ListEvidence): Finding['violations'] {
  const placed = appends
    .filter((op) => position.has(op.value))
    .sort((a, b) => position.get(b.value)! - position.get(a.value)!)
  let earliest: ListEvidence['appends'][number] | undefined
  return placed.flatMap((op) => {
    const later = earliest
    if (op.outcome === 'ok' && (!earliest || op.completedMs < earliest.completedMs)) earliest = op
    if (!later || later.completedMs >= op.invokedMs) return []
    return [
      {
        what: `${name} has ${op.value} before ${later.value}, which was acknowledged before ${op.value} was begun`,
        ops: [op.id, later.id],
      },
    ]
  })
}
