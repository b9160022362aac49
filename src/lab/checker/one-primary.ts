import { isWrite, type WriteOp } from '../history.ts'
import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './types.ts'

/** All that one server acknowledged on one timeline: a time as primary. */
type Reign = {
  server: string
  timeline: number
  ops: WriteOp[]
  /** The acknowledgement that is latest for certain, and the one that is earliest for certain. */
  lastSent: WriteOp
  firstCompleted: WriteOp
}

/**
 * Never do two primaries acknowledge in overlapping time.
 *
 * A write is acknowledged somewhere between the sending of its COMMIT and the moment its user heard of it (an answer can
 * be late by the length of a cut). So a reign lasted at least from its first answer heard to its last COMMIT sent, and
 * of two reigns one must be able to end before the other begins: none of its COMMITs was sent after the other's first
 * answer was heard. The reign with the older timeline must be the earlier one. A server that becomes primary again has
 * a new timeline then, and so a new reign; the same timeline at two servers is two reigns, in either order.
 *
 * Sound, and as sharp as the writes are short: an overlap shorter than a write may stay unseen.
 */
export function onePrimary({ ops }: Evidence): Finding {
  const reigns = new Map<string, Reign>()
  let checkedOps = 0
  for (const op of ops) {
    if (!isWrite(op) || op.outcome !== 'ok' || !op.place) continue
    checkedOps += 1
    const { server, timeline } = op.place
    const key = `${timeline} ${server}`
    const reign = reigns.get(key)
    if (!reign) {
      reigns.set(key, { server, timeline, ops: [op], lastSent: op, firstCompleted: op })
      continue
    }
    reign.ops.push(op)
    if (sentMs(op) > sentMs(reign.lastSent)) reign.lastSent = op
    if (op.completedMs < reign.firstCompleted.completedMs) reign.firstCompleted = op
  }

  // By timeline, so that of two the first is the older one. There are as many as there were failovers: a few.
  const ordered = [...reigns.values()].sort((a, b) => a.timeline - b.timeline)
  const violations: Finding['violations'] = []
  for (const [index, older] of ordered.entries())
    for (const newer of ordered.slice(index + 1)) {
      const fine = precedes(older, newer) || (older.timeline === newer.timeline && precedes(newer, older))
      if (!fine) violations.push(overlap(older, newer))
    }
  return { violations, checkedOps }
}

const sentMs = (op: WriteOp) => op.commitSentMs ?? op.invokedMs

const precedes = (a: Reign, b: Reign) => sentMs(a.lastSent) <= b.firstCompleted.completedMs

function overlap(older: Reign, newer: Reign): Finding['violations'][number] {
  const fromMs = newer.firstCompleted.completedMs
  const late = older.ops.filter((op) => sentMs(op) > fromMs)
  const forMs = sentMs(older.lastSent) - fromMs
  return {
    what: `${older.server} acknowledged ${late.length} writes on timeline ${older.timeline} that were sent up to ${forMs.toFixed(1)} ms after ${newer.server} had acknowledged on timeline ${newer.timeline}; the last of them: ${describe(older.lastSent)}`,
    ops: [newer.firstCompleted.id, ...late.map(({ id }) => id)],
  }
}
