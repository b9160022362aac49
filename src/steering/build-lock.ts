import { rm } from 'node:fs/promises'
import { withLock } from '../lib/lock.ts'

/** A holder whose work has not advanced for this long hangs. */
export const stalledMs = 120_000

/**
 * Runs the work in one process of this machine at a time: it takes gigabytes with a large database. Processes that have
 * waited skip it once `isDone`. They wait as long as the holder makes progress; after `stalledMs` without any they work
 * beside it. So the lock only saves effort, and the work must tolerate running twice.
 */
export async function buildOnce(
  lockFile: string,
  isDone: () => Promise<boolean>,
  work: () => Promise<void>,
  options: {
    signal?: AbortSignal | undefined
    /** Differs whenever the holder's work has advanced. */
    progress?: () => string | undefined
    patienceMs?: number
  } = {},
): Promise<void> {
  const { signal, progress = () => undefined, patienceMs = stalledMs } = options
  const patience = patienceWith(progress, patienceMs)
  let hasLock = false
  const build = async () => {
    hasLock = true
    patience.stop()
    try {
      if (!(await isDone())) await work()
    } finally {
      // Removed while the lock is held: waiters notice that and create a new file.
      await rm(lockFile, { force: true })
    }
  }
  const waiting = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal
  const holder = `nearside (process ${process.pid})`
  try {
    await withLock(lockFile, holder, () => undefined, build, waiting)
  } catch (error) {
    if (hasLock || signal?.aborted || !patience.signal.aborted) throw error
    if (!(await isDone())) await work()
  } finally {
    patience.stop()
  }
}

/** Aborts once `progress` has returned the same for `patienceMs`. */
function patienceWith(progress: () => string | undefined, patienceMs: number) {
  const controller = new AbortController()
  let last = progress()
  let sinceMs = performance.now()
  const timer = setInterval(
    () => {
      const now = progress()
      if (now !== last) {
        last = now
        sinceMs = performance.now()
      } else if (performance.now() - sinceMs >= patienceMs) controller.abort()
    },
    Math.min(1000, patienceMs / 4),
  )
  timer.unref()
  return { signal: controller.signal, stop: () => clearInterval(timer) }
}
