import type { Finding } from '../problems.ts'
import type { Topology } from '../schema.ts'

/**
 * A rule that spans several fields, or that a pattern cannot express. It runs only if the schema accepted every value
 * that it reads, so each mistake is reported once.
 */
export type Rule = {
  /**
   * Paths; `*` matches any one key. A refused value at or above such a path silences the rule. One below it does not,
   * because only that value was removed, unless the path ends in `.**`.
   */
  reads: readonly string[]
  /** Default: an error, which keeps the world from starting. A warning is only shown. */
  level?: 'warning'
  find: (topology: Topology) => Finding[]
}

/** `[key, first occurrence, repetition]` for each repetition of a key. */
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
