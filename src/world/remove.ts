import { existsSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { worldFile } from '../agent/layout.ts'
import { NearsideError } from '../lib/errors.ts'
import { lockFileOf } from './lock.ts'

/** Removes a stopped world completely, after `before` has unmounted file systems in it. */
export async function removeWorld(folder: string, before: () => Promise<void>): Promise<void> {
  try {
    await before()
    // Retries if a file appears meanwhile, such as the last log of a stopped process.
    await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 })
  } catch (cause) {
    throw new NearsideError('purge_failed', `${folder}: could not remove all files`, {
      remedy: `remove it manually: rm -r ${folder}`,
      cause,
    })
  }
}

/**
 * Removes the files next to a removed world. Call it last, under the world lock: processes waiting for the lock then
 * notice the removal and start over with a new lock file. Otherwise one process could hold the removed file and another
 * the new one.
 */
export async function leaveNothing(folder: string): Promise<void> {
  const above = dirname(folder)
  await rm(lockFileOf(folder), { force: true })
  if (existsSync(above) && (await readdir(above)).length === 0) await rmdir(above).catch(() => undefined)
}

/** Runs the start of a world, under the world lock. One that fails before the world exists leaves no trace. */
export async function orNothing<T>(folder: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    if (!existsSync(worldFile(folder))) {
      await rmdir(folder).catch(() => undefined)
      await leaveNothing(folder)
    }
    throw error
  }
}
