import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import { beginsWith, type ListEvidence } from './lists.ts'
import type { Finding } from './types.ts'

/**
 * Every list has one order, the same for every reader everywhere:
 *
 * - every read is a prefix of the final list (values that were read and are gone are covered by no-lost-reads)
 * - every acknowledged append is in it
 * - an append that was acknowledged before another one started precedes it, whatever the outcome of the other
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
        what: `${describe(op)} showed ${still[at]} at position ${at + 1}, where ${name} has ${order[at] ?? 'nothing'}`,
        ops: [op.id],
      },
    ]
  })
}

function missing({ name, position, appends }: ListEvidence): Finding['violations'] {
  return appends
    .filter((op) => op.outcome === 'ok' && !position.has(op.value))
    .map((op) => ({ what: `${describe(op)} was acknowledged but is not in ${name}`, ops: [op.id] }))
}

/**
 * Backwards: no later value may have been acknowledged before this append started. That holds for unacknowledged values
 * in the list as well, because they were applied after their start.
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
        what: `${name} has ${op.value} before ${later.value}, which was acknowledged before ${op.value} started`,
        ops: [op.id, later.id],
      },
    ]
  })
}
