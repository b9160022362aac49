import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { withLock } from '../../../src/lib/lock.ts'

/**
 * Waits until no other test of this user has a world, and keeps the others waiting until `end`. Two worlds on two cores
 * slow each other down until what is measured is the machine; what is light goes on beside one.
 */
export async function takeWorldLock(): Promise<{ end: () => void }> {
  const taken = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const file = join(tmpdir(), `nearside-test-world-${userInfo().uid}.lock`)
  const work = () => {
    taken.resolve()
    return over.promise
  }
  // The kernel lets go of it when this process ends, however that ends.
  withLock(file, `test process ${process.pid}`, () => undefined, work).catch(taken.reject)
  await taken.promise
  return { end: over.resolve }
}
