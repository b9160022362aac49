import type { Guarantee } from './types.ts'

/**
 * - `held`: guaranteed, checked, and without a violation
 * - `broken`: guaranteed, with violations
 * - `not promised`: not guaranteed, so violations break nothing
 * - `not checked`: guaranteed, but nothing in the history could have shown a violation
 */
type Verdict = 'held' | 'broken' | 'not promised' | 'not checked'

export function verdictOf({ promised, violations, checkedOps }: Guarantee): Verdict {
  if (!promised) return 'not promised'
  if (violations.length > 0) return 'broken'
  return checkedOps === 0 ? 'not checked' : 'held'
}

/** One line per guarantee, followed by its first violations. */
export function verdictLines(guarantees: readonly Guarantee[], mostViolations = 3): string[] {
  const widest = Math.max(...guarantees.map(({ title }) => title.length))
  return guarantees.flatMap((one) => {
    const { title, violations, checkedOps } = one
    const count =
      violations.length === 0
        ? `${checkedOps} checked`
        : `${violations.length} ${violations.length === 1 ? 'violation' : 'violations'} in ${checkedOps}`
    const rest = violations.length - mostViolations
    return [
      `${title.padEnd(widest)}  ${verdictOf(one).padEnd(12)}  ${count}`,
      ...violations.slice(0, mostViolations).map(({ what }) => `    ${what}`),
      ...(rest > 0 ? [`    and ${rest} more`] : []),
    ]
  })
}
