import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import { readWrites } from './read-writes.ts'
import type { Finding } from './types.ts'

/** A write that was reported as not applied exists nowhere: in no final database and in no read. */
export function noRefusedWrites(evidence: Evidence): Finding {
  const { writes, views } = evidence
  const violations: Finding['violations'] = []
  let checkedOps = 0
  for (const [number, { kind, ops, outcome }] of writes.entries()) {
    const asked = views.filter(({ shows }) => shows.has(kind))
    if (outcome !== 'fail' || asked.length === 0) continue
    checkedOps += 1
    const having = asked.filter(({ counts }) => counts[number]! > 0)
    if (having.length > 0)
      violations.push({
        what: `${describe(ops[0]!)} was refused (${ops[0]!.why}) but is in ${having.map(({ name }) => name).join(', ')}`,
        ops: ops.map(({ id }) => id),
      })
  }
  for (const { op, numbers } of readWrites(evidence)) {
    checkedOps += 1
    const shown = numbers.find((number) => writes[number]!.outcome === 'fail')
    if (shown === undefined) continue
    const { ops } = writes[shown]!
    violations.push({
      what: `${describe(op)} showed ${describe(ops[0]!)}, which was refused (${ops[0]!.why})`,
      ops: [...ops.map(({ id }) => id), op.id],
    })
  }
  return { violations, checkedOps }
}
