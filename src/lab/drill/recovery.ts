import { setTimeout as sleep } from 'node:timers/promises'
import { clockMs, isWrite, type Op } from '../history.ts'

/**
 * Edges that acknowledged writes before `faultMs` but no write sent after `healedMs`: whatever the world reports, it
 * has not recovered for users there. Pure.
 */
export function edgesWithoutWrites(ops: readonly Op[], faultMs: number, healedMs: number): string[] {
  const acknowledged = ops.filter((op) => isWrite(op) && op.outcome === 'ok')
  const before = new Set(acknowledged.flatMap((op) => (op.completedMs <= faultMs ? [op.edge] : [])))
  const after = new Set(acknowledged.flatMap((op) => (op.invokedMs > healedMs ? [op.edge] : [])))
  return [...before].filter((edge) => !after.has(edge)).sort()
}

/** Waits until there is no such edge, for `limitMs` at most. `ops` grows meanwhile. */
export async function untilEdgesWrite(
  ops: readonly Op[],
  { faultMs, healedMs, limitMs }: { faultMs: number; healedMs: number; limitMs: number },
  signal: AbortSignal,
): Promise<string[]> {
  const giveUpAt = clockMs() + limitMs
  for (;;) {
    const unrecovered = edgesWithoutWrites(ops, faultMs, healedMs)
    if (unrecovered.length === 0 || clockMs() > giveUpAt) return unrecovered
    await sleep(100, undefined, { signal })
  }
}
