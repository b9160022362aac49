import { sizeOf } from '../lib/disk-usage.ts'
import { bytes, list } from '../lib/format.ts'
import type { WorldHandle } from '../world/handle.ts'
import { removeWorld } from '../world/remove.ts'
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

/** Removes a stopped world with everything in it; a lab may have small disks mounted there. */
export async function purge({ folder, record }: WorldHandle): Promise<void> {
  await removeWorld(folder, async () => {
    if (!record.lab) return
    const { unmountSmallDisks } = await import('../lab/faults/small-disk.ts')
    await unmountSmallDisks(folder)
  })
}
