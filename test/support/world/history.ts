import type { Outcome, Place } from './apps.ts'

/** One request of the load, from its sending to what became of it. Times are `performance.now()`. */
export type Attempt = {
  kind: 'write' | 'read'
  edge: string
  /** Of a write. */
  reference?: string
  startedMs: number
  endedMs: number
  /** A read is `acknowledged` when it was answered as it should be. */
  outcome: Outcome
  /** Status, or the error's code. */
  why: string
  /** Region whose app answered. */
  servedBy?: string
  place?: Place
}

/** What a region's database shows at the end: how often each reference is there. */
export type Found = Record<string, ReadonlyMap<string, number>>

/**
 * Holds what was tried against what is there. Returns one line for each broken promise:
 *
 * - lost: acknowledged, and not in every database
 * - twice: applied more often than once
 * - refused: said not to be written, and is there
 * - unasked: there, and nobody tried it
 * - overlap: acknowledged by an older timeline after a newer one had acknowledged
 *
 * A write whose outcome is unknown may be there or not.
 */
export function checkHistory(attempts: readonly Attempt[], found: Found): string[] {
  const writes = new Map(
    attempts.filter((one) => one.reference !== undefined).map((one) => [one.reference!, one]),
  )
  const broken: string[] = []
  for (const [where, entries] of Object.entries(found)) {
    for (const [reference, attempt] of writes) {
      const count = entries.get(reference) ?? 0
      if (attempt.outcome === 'acknowledged' && count === 0) broken.push(`lost: ${reference} at ${where}`)
      if (attempt.outcome === 'refused' && count > 0) broken.push(`refused: ${reference} is at ${where}`)
      if (count > 1) broken.push(`twice: ${reference} is ${count} times at ${where}`)
    }
    for (const reference of entries.keys())
      if (!writes.has(reference)) broken.push(`unasked: ${reference} at ${where}`)
  }
  return [...broken, ...overlaps(attempts)]
}

/** The clock is one and the same for every attempt: all of them ran on this machine. */
function overlaps(attempts: readonly Attempt[]): string[] {
  const placed = attempts.filter((one) => one.outcome === 'acknowledged' && one.place !== undefined)
  const firstMs = new Map<number, number>()
  for (const { place, endedMs } of placed)
    firstMs.set(place!.timeline, Math.min(endedMs, firstMs.get(place!.timeline) ?? Infinity))
  return placed.flatMap((one) => {
    const newer = [...firstMs].filter(([timeline, at]) => timeline > one.place!.timeline && at < one.endedMs)
    if (newer.length === 0) return []
    const [timeline, at] = newer[0]!
    const late = (one.endedMs - at).toFixed(0)
    return `overlap: ${one.reference} on timeline ${one.place!.timeline}, ${late} ms after the first on ${timeline}`
  })
}

/** A fault takes a moment: from just before the first signal until the last process is gone. */
export type Fault = { fromMs: number; toMs: number }

/** Requests that were under way while it happened; anything may have become of them. */
export const underWayAt = (attempts: readonly Attempt[], { fromMs, toMs }: Fault) =>
  attempts.filter((one) => one.startedMs <= toMs && one.endedMs >= fromMs)

/** Requests that failed, and were not under way at any of these faults. */
export function failuresBeside(attempts: readonly Attempt[], ...faults: readonly Fault[]): Attempt[] {
  const excused = new Set(faults.flatMap((fault) => underWayAt(attempts, fault)))
  return attempts.filter((one) => one.outcome !== 'acknowledged' && !excused.has(one))
}

/**
 * Failures that began after writes went on: a fault without a sound (a cut line, a paused machine) takes a moment to
 * be noticed, and what is sent into it meanwhile may fail. From then on nothing may.
 */
export function failuresSinceResumed(attempts: readonly Attempt[], fault: Fault): Attempt[] {
  const resumedMs = Math.min(
    ...attempts
      .filter((one) => one.kind === 'write' && one.outcome === 'acknowledged' && one.startedMs > fault.toMs)
      .map(({ endedMs }) => endedMs),
  )
  return failuresBeside(attempts, fault).filter((one) => one.startedMs > resumedMs)
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
  for (const one of attempts.filter(({ outcome }) => outcome !== 'acknowledged')) {
    const key = `${one.kind} at ${one.edge}: ${one.outcome}, ${one.why}`
    failures[key] = [...(failures[key] ?? []), Math.round(one.startedMs - fromMs)]
  }
  const ends = writes
    .filter(({ outcome }) => outcome === 'acknowledged')
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
