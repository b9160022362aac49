/**
 * One result of the doctor. `ok` is reported too, because what has been checked matters as much as what is wrong.
 * `warning`: works now, but may not later. `problem`: does not work, or will not.
 */
export type Finding = {
  check: string
  state: 'ok' | 'warning' | 'problem'
  message: string
  remedy?: string
  /** Describes what `--fix` would do, shown before it does it. */
  fix?: { what: string; run: () => Promise<void> }
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message })

/** Whether `found` is at least `minimum`: `3.0.11` is at least `3.0`. Letters after a number are ignored. Pure. */
export function atLeast(found: string, minimum: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const [a, b] = [numbers(found), numbers(minimum)]
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
