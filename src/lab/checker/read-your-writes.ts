import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import { fromPrimary, missingFrom, type Session, type SessionRead } from './sessions.ts'
import type { Finding } from './types.ts'

/** A read shows every write of the same user that was acknowledged before the read started. */
export const readYourWrites = (evidence: Evidence): Finding => findIn(evidence, () => true)

/** The same, for reads from the primary only. */
export const readYourWritesOnPrimary = (evidence: Evidence): Finding => findIn(evidence, fromPrimary)

function findIn({ sessions }: Evidence, isMeant: (read: SessionRead) => boolean): Finding {
  const found = sessions.map((session) => checkSession(session, isMeant))
  return {
    violations: found.flatMap(({ violations }) => violations),
    checkedOps: found.reduce((sum, { checkedOps }) => sum + checkedOps, 0),
  }
}

function checkSession({ writes, reads, place }: Session, isMeant: (read: SessionRead) => boolean): Finding {
  const violations: Finding['violations'] = []
  let checkedOps = 0
  const values: string[] = []
  // The write that is last in the list's order: a prefix that includes it includes all of them.
  let last = { index: -1, at: -1 }
  for (const read of reads) {
    while (values.length < writes.length && writes[values.length]!.op.completedMs < read.op.invokedMs) {
      const { value } = writes[values.length]!
      const at = place(value) ?? Number.POSITIVE_INFINITY
      if (at > last.at) last = { index: values.length, at }
      values.push(value)
    }
    if (values.length === 0 || !isMeant(read)) continue
    checkedOps += 1
    const missing = missingIn(read, values, last)
    if (missing === undefined) continue
    const write = writes[missing]!
    violations.push({
      what: `${describe(read.op)} did not show ${write.value}, which the same user wrote and which was acknowledged ${(read.op.invokedMs - write.op.completedMs).toFixed(1)} ms earlier`,
      ops: [write.op.id, read.op.id],
    })
  }
  return { violations, checkedOps }
}

function missingIn(read: SessionRead, values: readonly string[], last: { index: number; at: number }) {
  if (read.prefix === undefined) return missingFrom(read.values, values)
  return last.at < read.prefix ? undefined : last.index
}
