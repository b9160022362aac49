import { setTimeout as sleep } from 'node:timers/promises'
import { clockMs, isWrite, type Op } from '../history.ts'

/**
 * Edges that acknowledged writes before `faultMs` and none that was sent after `healedMs`: whatever the world says of
 * itself, it has not come back to who asks there. Pure.
 */
export function silentEdges(ops: readonly Op[], faultMs: number, healedMs: number): string[] {
  const acknowledged = ops.filter((op) => isWrite(op) && op.outcome === 'ok')
  const before = new Set(acknowledged.flatMap((op) => (op.completedMs <= faultMs ? [op.edge] : [])))
  const after = new Set(acknowledged.flatMap((op) => (op.invokedMs > healedMs ? [op.edge] : [])))
  return [...before].filter((edge) => !after.has(edge)).sort()
}

/** Waits until there are none of them, `limitMs` at most. `ops` grows meanwhile. */
export async function untilNoneIsSilent(
  ops: readonly Op[],
  { faultMs, healedMs, limitMs }: { faultMs: number; healedMs: number; limitMs: number },
  signal: AbortSignal,
): Promise<string[]> {
  const giveUpAt = clockMs() + limitMs
  for (;;) {
    const silent = silentEdges(ops, faultMs, healedMs)
    if (silent.length === 0 || clockMs() > giveUpAt) return silent
    await sleep(100, undefined, { signal })
  }
}
