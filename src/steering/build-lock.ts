import { rm } from 'node:fs/promises'
import { withLock } from '../lib/lock.ts'

/** Waiters stop waiting for a holder that takes longer than this, since it must hang. */
const maxHoldMs = 120_000

/**
 * Runs the work in one process at a time. Processes that have waited skip it once `isDone`. The lock only saves effort:
 * the work must tolerate running twice, because waiters do not wait for a holder that takes too long.
 */
export async function buildOnce(
  lockFile: string,
  isDone: () => Promise<boolean>,
  work: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const patience = AbortSignal.timeout(maxHoldMs)
  let hasLock = false
  const build = async () => {
    hasLock = true
    try {
      if (!(await isDone())) await work()
    } finally {
      // Removed while the lock is held: waiters notice that and create a new file.
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
