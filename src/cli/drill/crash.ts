import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than healing the active faults takes. */
const healTimeoutMs = 60_000

/**
 * Runs `work`, and rejects with the first uncaught error of the process if one comes first. Such an error would
 * otherwise end the process and skip every `finally`. It aborts `work`, which then has `endMs` to heal.
 */
export async function withCrashes<T>(
  work: (signal: AbortSignal) => Promise<T>,
  interrupted: AbortSignal,
  endMs = healTimeoutMs,
): Promise<T> {
  const crashed = new AbortController()
  const crash = Promise.withResolvers<never>()
  crash.promise.catch(() => undefined)
  const onError = (error: unknown) => {
    crashed.abort(error)
    crash.reject(error)
  }
  process.on('uncaughtException', onError)
  process.on('unhandledRejection', onError)
  const done = work(AbortSignal.any([interrupted, crashed.signal]))
  try {
    return await Promise.race([done, crash.promise])
  } finally {
    const late = new AbortController()
    const tooLate = sleep(endMs, undefined, { signal: late.signal }).catch(() => undefined)
    await Promise.race([done.then(undefined, () => undefined), tooLate])
    late.abort()
    // The listeners stay: an error thrown while a world shuts down must not end the process either.
  }
}
