import { rm } from 'node:fs/promises'
import { withLock } from '../lib/lock.ts'

/** A holder that has not finished by then hangs, and is not waited for any longer. */
const longestHoldMs = 120_000

/**
 * Does the work in one process at a time. Those that wait find it done (`isDone`) and do nothing. This only saves
 * effort: the work must stand being done twice, since a holder that takes too long no longer keeps others from it.
 */
export async function buildOnce(
  lockFile: string,
  isDone: () => Promise<boolean>,
  work: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const patience = AbortSignal.timeout(longestHoldMs)
  let hasLock = false
  const build = async () => {
    hasLock = true
    try {
      if (!(await isDone())) await work()
    } finally {
      // Removed while it is held: whoever waits for it notices, and makes another.
      await rm(lockFile, { force: true })
    }
  }
  const waiting = signal ? AbortSignal.any([signal, patience]) : patience
  const holder = `nearside (process ${process.pid})`
  try {
    await withLock(lockFile, holder, () => undefined, build, waiting)
  } catch (error) {
    if (hasLock || signal?.aborted || !patience.aborted) throw error
    await work()
  }
}
