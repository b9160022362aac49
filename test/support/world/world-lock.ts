import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { withLock } from '../../../src/lib/lock.ts'

/** Limit of parallel worlds. More would slow each other down, so that tests would measure the machine. */
export const worldPlaces = 2

/**
 * Waits until fewer than `worldPlaces` other tests of this user have a world, and keeps the place until `end`. Light
 * tests run in parallel with worlds.
 */
export async function takeWorldLock(): Promise<{ end: () => void }> {
  const taken = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const waiting = new AbortController()
  for (let place = 0; place < worldPlaces; place += 1) {
    const file = join(tmpdir(), `nearside-test-world-${userInfo().uid}-${place}.lock`)
    const work = async () => {
      // Several places may become free at the same time.
      if (waiting.signal.aborted) return
      waiting.abort()
      taken.resolve()
      await over.promise
    }
    // The kernel releases it when this process ends for any reason.
    withLock(file, `test process ${process.pid}`, () => undefined, work, waiting.signal).catch((error) => {
      if (!waiting.signal.aborted) taken.reject(error)
    })
  }
  await taken.promise
  return { end: over.resolve }
}
