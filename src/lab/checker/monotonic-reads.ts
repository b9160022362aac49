import { describe } from './describe.ts'
import type { Evidence } from './evidence.ts'
import { fromPrimary, missingFrom, type Session, type SessionRead } from './sessions.ts'
import type { Finding } from './types.ts'

/** A read shows everything that an earlier read of the same user showed (monotonic reads). */
export const monotonicReads = (evidence: Evidence): Finding => findIn(evidence, () => true)

/** The same, among reads from the primary only. */
export const monotonicReadsOnPrimary = (evidence: Evidence): Finding => findIn(evidence, fromPrimary)

function findIn({ sessions }: Evidence, isMeant: (read: SessionRead) => boolean): Finding {
  const found = sessions.map((session) => checkSession(session, isMeant))
  return {
    violations: found.flatMap(({ violations }) => violations),
    checkedOps: found.reduce((sum, { checkedOps }) => sum + checkedOps, 0),
  }
}

/**
 * Compares each read with all reads that ended before it began. Among reads that are prefixes of the one order, the
 * longest covers the others; other reads may each show something different.
 */
function checkSession(session: Session, isMeant: (read: SessionRead) => boolean): Finding {
  const begun = session.reads.filter(isMeant)
  const ended = begun.toSorted((a, b) => a.op.completedMs - b.op.completedMs)
  const violations: Finding['violations'] = []
  let checkedOps = 0
  let next = 0
  let fullest: SessionRead | undefined
  /** Values from reads that are no prefix, with the first read that showed each. */
  const strange = new Map<string, SessionRead>()
  for (const read of begun) {
    for (; next < ended.length && ended[next]!.op.completedMs < read.op.invokedMs; next += 1) {
      const one = ended[next]!
      if (one.prefix === undefined)
        for (const value of one.values) if (!strange.has(value)) strange.set(value, one)
      if (one.prefix !== undefined && !(fullest && fullest.values.length >= one.values.length)) fullest = one
    }
    if (!fullest && next === 0) continue
    checkedOps += 1
    const missing = (fullest && missingIn(read, fullest)) ?? missingStrange(read, strange)
    if (missing !== undefined)
      violations.push({
        what: `${describe(read.op)} did not show ${missing.value}, which an earlier read of the same user had shown`,
        ops: [missing.shownBy.op.id, read.op.id],
      })
  }
  return { violations, checkedOps }
}

type Missing = { value: string; shownBy: SessionRead }

function missingIn(read: SessionRead, shownBy: SessionRead): Missing | undefined {
  const at =
    read.prefix === undefined
      ? missingFrom(read.values, shownBy.values)
      : shownBy.prefix! > read.prefix
        ? read.prefix
        : undefined
  return at === undefined ? undefined : { value: shownBy.values[at]!, shownBy }
}

/** Looks at no more values than the read could hold; see `missingFrom`. */
function missingStrange(
  { values }: SessionRead,
  strange: ReadonlyMap<string, SessionRead>,
): Missing | undefined {
  if (strange.size === 0) return undefined
  const there = new Set(values)
  for (const [value, shownBy] of strange) if (!there.has(value)) return { value, shownBy }
  return undefined
}
