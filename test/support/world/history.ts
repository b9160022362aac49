import type { Told } from './apps.ts'

/**
 * One request of the load and its outcome. Times are `performance.now()`. A read is `ok` if it was answered correctly.
 */
export type Attempt = Told & {
  kind: 'write' | 'read'
  edge: string
  /** Set for writes. */
  reference?: string
  startedMs: number
  endedMs: number
  /** Status, or the error's code. */
  why: string
  /** The region whose app answered. */
  servedBy?: string
}

/** The duration of a fault: from just before the first signal until the last process has exited. */
export type Fault = { fromMs: number; toMs: number }

/** Requests in flight during the fault, which may have any outcome. */
export const underWayAt = (attempts: readonly Attempt[], { fromMs, toMs }: Fault) =>
  attempts.filter((one) => one.startedMs <= toMs && one.endedMs >= fromMs)

/** Failed requests that were not in flight during any of these faults. */
export function failuresOutside(attempts: readonly Attempt[], ...faults: readonly Fault[]): Attempt[] {
  const excused = new Set(faults.flatMap((fault) => underWayAt(attempts, fault)))
  return attempts.filter((one) => one.outcome !== 'ok' && !excused.has(one))
}

/**
 * Failures of requests sent after writes resumed. A fault that drops packets (a cut line, a paused machine) takes a
 * moment to be noticed, and requests sent meanwhile may fail, but none after that.
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
  /** By kind, edge, outcome and reason: the number of requests, and when the first and last were sent. */
  failures: Record<string, string>
  /** The longest time without an acknowledged write, and its start relative to `fromMs`. */
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
