/**
 * Which steering table all regions answer from. Tables are named by their revision, a hash of everything that they are
 * made from. Every agent that holds the agreed table uses it, so all regions change in the same moment. Pure.
 */

/** One agent's tables, as it publishes them. */
export type TableReport = {
  /** The revision of the present databases and topology; absent while they cannot be read. */
  wants?: string
  /** Revisions that the agent could use now. */
  holds: readonly string[]
  /** The revision that its DNS answers from; absent with the uniform table. */
  uses?: string
}

type AgreementInput = {
  /** Undefined before the first agreement. */
  agreed: string | undefined
  /** By region: the agents that report. */
  reports: Readonly<Record<string, TableReport | undefined>>
  /** Regions that answer DNS and are not agreed to be unreachable. */
  expected: readonly string[]
  /** How long some agent has been wanting a table that is not the agreed one. */
  waitedMs: number
}

/**
 * After this, a majority of the regions suffices. Longer than a build of a large database after all of its readers have
 * noticed it, and short enough that one lost agent does not keep the others from a new database for long.
 */
export const agreementLimitMs = 10 * 60_000

/**
 * The revision to agree on now; undefined when nothing changes. Before the first agreement there is nothing that
 * regions could contradict, so the reporting agents suffice.
 */
export function revisionToAgree({ agreed, reports, expected, waitedMs }: AgreementInput): string | undefined {
  const candidate = candidateOf(agreed, reports)
  if (candidate === undefined) return undefined
  const holders = Object.keys(reports).filter((region) => reports[region]?.holds.includes(candidate))
  const reporting = Object.keys(reports).filter((region) => reports[region] !== undefined)
  const needed = agreed === undefined ? reporting : [...new Set([...expected, ...reporting])]
  if (needed.every((region) => holders.includes(region))) return candidate
  if (waitedMs < agreementLimitMs) return undefined
  return holders.length * 2 > needed.length ? candidate : undefined
}

/** The revision that most agents want, the smaller one of two with as many; undefined if that is the agreed one. */
export function candidateOf(
  agreed: string | undefined,
  reports: AgreementInput['reports'],
): string | undefined {
  const votes = new Map<string, number>()
  for (const report of Object.values(reports))
    if (report?.wants !== undefined) votes.set(report.wants, (votes.get(report.wants) ?? 0) + 1)
  const [most] = [...votes].sort(([a, many], [b, others]) => others - many || (a < b ? -1 : 1))
  return most === undefined || most[0] === agreed ? undefined : most[0]
}

/**
 * The revision to answer from; undefined for the uniform table. An agent without the agreed table keeps the one that it
 * uses, since that was agreed before. Its own newest one is used only if it has none, and only after an agreement: before
 * that, all agents wait for each other.
 */
export function revisionToUse(options: {
  agreed: string | undefined
  uses: string | undefined
  wants: string | undefined
  holds: (revision: string) => boolean
}): string | undefined {
  const { agreed, uses, wants, holds } = options
  const known = agreed === undefined ? [uses] : [agreed, uses, wants]
  return known.find((revision) => revision !== undefined && holds(revision))
}
