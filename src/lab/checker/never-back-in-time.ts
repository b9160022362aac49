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

/**
 * Each read is held against all that had ended before it began. Of reads that are beginnings of one order the fullest
 * stands for all; others may each have shown something of their own.
 */
function look(session: Session, isMeant: (read: SessionRead) => boolean): Finding {
  const begun = session.reads.filter(isMeant)
  const ended = begun.toSorted((a, b) => a.op.completedMs - b.op.completedMs)
  const violations: Finding['violations'] = []
  let checkedOps = 0
  let next = 0
  let fullest: SessionRead | undefined
  /** What reads that fit no order have shown, and which of them did so first. */
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

/** CoordinationLoop at no more than the read could hold; see `missingFrom`. */
function missingStrange(
  { values }: SessionRead,
  strange: ReadonlyMap<string, SessionRead>,
): Missing | undefined {
  if (strange.size === 0) return undefined
  const there = new Set(values)
  for (const [value, shownBy] of strange) if (!there.has(value)) return { value, shownBy }
  return undefined
}
