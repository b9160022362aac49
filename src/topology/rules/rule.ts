import type { Finding } from '../problems.ts'
import type { Topology } from '../schema.ts'

/**
 * A rule over more than one field, or one that a pattern cannot say. It runs only when everything it reads is what
 * the operator wrote: a region whose role was refused is not counted, so one mistake is reported once.
 */
export type Rule = {
  /**
   * Paths, `*` for any one key. A refused value there or above silences the rule; one below does not (it was taken
   * out, the rest stands), unless the path ends in `.**`.
   */
  reads: readonly string[]
  /** `error` (default) stops the world from starting; `warning` is shown and nothing more. */
  level?: 'warning'
  find: (topology: Topology) => Finding[]
}

/** Pairs of `[what, where first, where again]` for everything that occurs twice. */
export function repeated<T>(items: Iterable<readonly [key: string, where: T]>): [string, T, T][] {
  const first = new Map<string, T>()
  const twice: [string, T, T][] = []
  for (const [key, where] of items) {
    const before = first.get(key)
    if (before === undefined) first.set(key, where)
    else twice.push([key, before, where])
  }
  return twice
}

/** "3 voting regions (a, b, c)", "1 full region (a)". */
export function counted(names: readonly string[], noun: string): string {
  const shown = names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ')
  return `${names.length} ${noun}${names.length === 1 ? '' : 's'}${names.length === 0 ? '' : ` (${shown})`}`
}
