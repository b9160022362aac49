import { existsSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { sizeOf } from '../lib/disk-usage.ts'
import { NearsideError } from '../lib/errors.ts'
import { bytes, list } from '../lib/format.ts'
import type { WorldHandle } from '../world/handle.ts'
import { lockFileOf } from '../world/lock.ts'
import { confirm } from './ask.ts'
import type { Output } from './output.ts'

/** Says what would be lost for ever, and asks. */
export async function mayPurge(
  world: WorldHandle,
  output: Output,
  yes: boolean | undefined,
): Promise<boolean> {
  const { topology } = world.record
  const full = list(world.regions.filter((region) => region.full).map((region) => region.name))
  output.note(`This stops ${world.name} and removes ${world.folder} (${bytes(await sizeOf(world.folder))}):`)
  output.note(`  the database ${topology.database.name} with everything in it, in ${full}`)
  output.note('  caches, what the agents share, logs and passwords')
  output.note('There is no way back. The topology file and the app stay.')
  return confirm('Remove it?', { yes, what: '--purge' })
}

/** Removes a stopped world with everything in it. */
export async function purge({ folder, record }: WorldHandle): Promise<void> {
  try {
    if (record.lab) {
      const { unmountSmallDisks } = await import('../lab/faults/small-disk.ts')
      await unmountSmallDisks(folder)
    }
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
