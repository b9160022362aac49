/**
 * One thing that the doctor has looked at. `ok` is told too: what was looked at and is well is half of the answer.
 * `warning`: it works, and may not always. `problem`: it does not, or will not.
 */
export type Finding = {
  check: string
  state: 'ok' | 'warning' | 'problem'
  message: string
  remedy?: string
  /** What `--fix` would do about it, said before it is done. */
  fix?: { what: string; run: () => Promise<void> }
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message })

/** Is `found` at least `minimum`? `3.0.11` is at least `3.0`; letters after a number do not count. Pure. */
export function atLeast(found: string, minimum: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const [a, b] = [numbers(found), numbers(minimum)]
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
