import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than it takes to heal what was in force. */
const patienceMs = 60_000

/**
 * The work, or the first error that nobody has caught, whichever comes first: such an error would end the process past
 * every `finally`. The work is interrupted then and has some time to heal.
 */
export async function withCrashes<T>(
  work: (signal: AbortSignal) => Promise<T>,
  interrupted: AbortSignal,
  endMs = patienceMs,
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
    // They stay: what comes while a world is taken down must not end that either.
  }
}
