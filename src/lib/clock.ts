/**
 * Monotonic time and timers as a dependency, so that a test can advance time instead of waiting
 * (`test/support/manual-clock.ts`).
 */
export type Clock = {
  /** Milliseconds since an arbitrary time; never goes back. */
  now(): number
  /** Calls `run` once, `ms` from now. Returns a function that cancels the timer. */
  setTimeout(run: () => void, ms: number): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout(run, ms) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms`, or as soon as the signal aborts; it never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
}
