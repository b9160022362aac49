import { existsSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { NearsideError } from '../lib/errors.ts'
import { lockFileOf } from './lock.ts'

/** Removes a stopped world with everything in it, once `before` has let go of what is mounted there. */
export async function removeWorld(folder: string, before: () => Promise<void>): Promise<void> {
  try {
    await before()
    // A file that appears while we remove (a log of something that just ended) must not leave half a world.
    await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 })
  } catch (cause) {
    throw new NearsideError('purge_failed', `${folder}: could not be removed whole`, {
      remedy: `remove it by hand: rm -r ${folder}`,
      cause,
    })
  }
}

/**
 * What is beside a world that has been removed. To be called by who holds its lock, as the last thing: who waits for
 * it begins anew with a new file, and would otherwise hold the removed one beside another that holds the new one.
 */
export async function leaveNothing(folder: string): Promise<void> {
  const above = dirname(folder)
  await rm(lockFileOf(folder), { force: true })
  if (existsSync(above) && (await readdir(above)).length === 0) await rmdir(above).catch(() => undefined)
}
