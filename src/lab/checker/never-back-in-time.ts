import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import { fromPrimary, missingFrom, type Session, type SessionRead } from './sessions.ts'
import type { Finding } from './types.ts'

/** A read shows everything that an earlier read of the same user had shown (monotonic reads). */
export const neverBackInTime = (evidence: Evidence): Finding => findIn(evidence, () => true)

/** The same for reads that were asked of the primary, among themselves. */
export const neverBackInTimeAtPrimary = (evidence: Evidence): Finding => findIn(evidence, fromPrimary)

function findIn({ sessions }: Evidence, isMeant: (read: SessionRead) => boolean): Finding {
  const found = sessions.map((session) => look(session, isMeant))
  return {
    violations: found.flatMap(({ violations }) => violations),
    checkedOps: found.reduce((sum, { checkedOps }) => sum + checkedOps, 0),
  }
}

/** Each read is held against the fullest one that had ended before it began. */
function look(session: Session, isMeant: (read: SessionRead) => boolean): Finding {
  const begun = session.reads.filter(isMeant)
  const ended = begun.toSorted((a, b) => a.op.completedMs - b.op.completedMs)
  const violations: Finding['violations'] = []
  let checkedOps = 0
  let next = 0
  let fullest: SessionRead | undefined
  for (const read of begun) {
    for (; next < ended.length && ended[next]!.op.completedMs < read.op.invokedMs; next += 1)
      if (!fullest || ended[next]!.values.length > fullest.values.length) fullest = ended[next]
    if (!fullest) continue
    checkedOps += 1
    const missing = missingIn(read, fullest)
    if (missing !== undefined)
      violations.push({
        what: `${describe(read.op)} did not show ${missing}, which an earlier read of the same user had shown`,
        ops: [fullest.op.id, read.op.id],
      })
  }
  return { violations, checkedOps }
}

function missingIn(read: SessionRead, earlier: SessionRead): string | undefined {
  if (read.prefix === undefined || earlier.prefix === undefined) {
    const at = missingFrom(read.values, earlier.values)
    return at === undefined ? undefined : earlier.values[at]
  }
  return earlier.prefix <= read.prefix ? undefined : earlier.values[read.prefix]
}
