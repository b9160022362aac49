import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { withLock } from '../../../src/lib/lock.ts'

/**
 * Waits until no other test of this user has a world, and makes others wait until `end`. Two worlds on two cores would
 * slow each other down, so that tests would measure the machine. Light tests run next to a world.
 */
export async function takeWorldLock(): Promise<{ end: () => void }> {
  const taken = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const file = join(tmpdir(), `nearside-test-world-${userInfo().uid}.lock`)
  const work = () => {
    taken.resolve()
    return over.promise
  }
  // The kernel releases it when this process ends for any reason.
  withLock(file, `test process ${process.pid}`, () => undefined, work).catch(taken.reject)
  await taken.promise
  return { end: over.resolve }
}
