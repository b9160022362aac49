import type { Told } from './apps.ts'

/**
 * One request of the load, from its sending to what became of it. Times are `performance.now()`. A read is `ok` when it
 * was answered as it should be.
 */
export type Attempt = Told & {
  kind: 'write' | 'read'
  edge: string
  /** Of a write. */
  reference?: string
  startedMs: number
  endedMs: number
  /** Status, or the error's code. */
  why: string
  /** Region whose app answered. */
  servedBy?: string
}

/** A fault takes a moment: from just before the first signal until the last process is gone. */
export type Fault = { fromMs: number; toMs: number }

/** Requests that were under way while it happened; anything may have become of them. */
export const underWayAt = (attempts: readonly Attempt[], { fromMs, toMs }: Fault) =>
  attempts.filter((one) => one.startedMs <= toMs && one.endedMs >= fromMs)

/** Requests that failed, and were not under way at any of these faults. */
export function failuresOutside(attempts: readonly Attempt[], ...faults: readonly Fault[]): Attempt[] {
  const excused = new Set(faults.flatMap((fault) => underWayAt(attempts, fault)))
  return attempts.filter((one) => one.outcome !== 'ok' && !excused.has(one))
}

/**
 * Failures that began after writes went on: a fault without a sound (a cut line, a paused machine) takes a moment to
 * be noticed, and what is sent into it meanwhile may fail. From then on nothing may.
 */
export function failuresSinceResumed(attempts: readonly Attempt[], fault: Fault): Attempt[] {
  const resumedMs = Math.min(
    ...attempts
      .filter((one) => one.kind === 'write' && one.outcome === 'ok' && one.startedMs > fault.toMs)
      .map(({ endedMs }) => endedMs),
  )
  return failuresOutside(attempts, fault).filter((one) => one.startedMs > resumedMs)
}

export type Summary = {
  writes: number
  reads: number
  /** By kind, edge, outcome and why: how many, and from when to when they were sent. */
  failures: Record<string, string>
  /** Longest time without an acknowledged write, and when it began, counted from `fromMs`. */
  pauseMs: number
  pauseAtMs: number
  slowestWriteMs: number
  slowestReadMs: number
}

export function summarize(attempts: readonly Attempt[], fromMs: number): Summary {
  const writes = attempts.filter((one) => one.kind === 'write')
  const reads = attempts.filter((one) => one.kind === 'read')
  const failures: Record<string, number[]> = {}
  for (const one of attempts.filter(({ outcome }) => outcome !== 'ok')) {
    const key = `${one.kind} at ${one.edge}: ${one.outcome}, ${one.why}`
    failures[key] = [...(failures[key] ?? []), Math.round(one.startedMs - fromMs)]
  }
  const ends = writes
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ endedMs }) => endedMs)
    .sort((a, b) => a - b)
  let pauseMs = 0
  let pauseAtMs = 0
  for (let i = 1; i < ends.length; i += 1)
    if (ends[i]! - ends[i - 1]! > pauseMs) {
      pauseMs = ends[i]! - ends[i - 1]!
      pauseAtMs = ends[i - 1]! - fromMs
    }
  const slowest = (some: Attempt[]) =>
    Math.round(Math.max(0, ...some.map((one) => one.endedMs - one.startedMs)))
  return {
    writes: writes.length,
    reads: reads.length,
    failures: Object.fromEntries(
      Object.entries(failures).map(([key, sent]) => [
        key,
        `${sent.length}, sent ${Math.min(...sent)} to ${Math.max(...sent)} ms`,
      ]),
    ),
    pauseMs: Math.round(pauseMs),
    pauseAtMs: Math.round(pauseAtMs),
    slowestWriteMs: slowest(writes),
    slowestReadMs: slowest(reads),
  }
}
