import { isWrite, type WriteOp } from '../history.ts'
import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/** Everything that one server acknowledged on one timeline, that is, during one term as primary. */
type Term = {
  server: string
  timeline: number
  ops: WriteOp[]
  /** The acknowledgements that are certainly the latest and certainly the earliest. */
  lastSent: WriteOp
  firstCompleted: WriteOp
}

/**
 * Two primaries never acknowledge at overlapping times.
 *
 * A write is acknowledged between the sending of its COMMIT and the time its user receives the answer, which a cut may
 * delay. So a term lasted at least from its first received answer to its last sent COMMIT. Of two terms, one must be
 * able to end before the other begins: none of its COMMITs was sent after the other's first answer was received. The
 * term with the older timeline must be the earlier one. A server that becomes primary again has a new timeline and so a
 * new term; the same timeline on two servers is two terms, in either order.
 *
 * Sound, with a resolution of one write: an overlap shorter than a write may go unnoticed.
 */
export function onePrimary({ ops }: Evidence): Finding {
  const terms = new Map<string, Term>()
  let checkedOps = 0
  for (const op of ops) {
    if (!isWrite(op) || op.outcome !== 'ok' || !op.place) continue
    checkedOps += 1
    const { server, timeline } = op.place
    const key = `${timeline} ${server}`
    const term = terms.get(key)
    if (!term) {
      terms.set(key, { server, timeline, ops: [op], lastSent: op, firstCompleted: op })
      continue
    }
    term.ops.push(op)
    if (sentMs(op) > sentMs(term.lastSent)) term.lastSent = op
    if (op.completedMs < term.firstCompleted.completedMs) term.firstCompleted = op
  }

  // By timeline, so that the first of two is the older one. There are only as many as there were failovers.
  const ordered = [...terms.values()].sort((a, b) => a.timeline - b.timeline)
  const violations: Finding['violations'] = []
  for (const [index, older] of ordered.entries())
    for (const newer of ordered.slice(index + 1)) {
      const fine = precedes(older, newer) || (older.timeline === newer.timeline && precedes(newer, older))
      if (!fine) violations.push(overlap(older, newer))
    }
  return { violations, checkedOps }
}

const sentMs = (op: WriteOp) => op.commitSentMs ?? op.invokedMs

const precedes = (a: Term, b: Term) => sentMs(a.lastSent) <= b.firstCompleted.completedMs

function overlap(older: Term, newer: Term): Finding['violations'][number] {
  const fromMs = newer.firstCompleted.completedMs
  const late = older.ops.filter((op) => sentMs(op) > fromMs)
  const forMs = sentMs(older.lastSent) - fromMs
  return {
    what: `${older.server} acknowledged ${late.length} writes on timeline ${older.timeline} that were sent up to ${forMs.toFixed(1)} ms after ${newer.server} had acknowledged on timeline ${newer.timeline}; the last one: ${describe(older.lastSent)}`,
    ops: [newer.firstCompleted.id, ...late.map(({ id }) => id)],
  }
}
