import { sizeOf } from '../lib/disk-usage.ts'
import { bytes, list } from '../lib/format.ts'
import type { WorldHandle } from '../world/handle.ts'
import { removeWorld } from '../world/remove.ts'
import { confirm } from './ask.ts'
import type { Output } from './output.ts'

/** Shows what would be lost, and asks for confirmation. */
export async function mayRemove(
  world: WorldHandle,
  output: Output,
  yes: boolean | undefined,
): Promise<boolean> {
  const { topology } = world.record
  const full = list(world.regions.filter((region) => region.full).map((region) => region.name))
  output.note(
    `This will stop ${world.name} and remove ${world.folder} (${bytes(await sizeOf(world.folder))}):`,
  )
  output.note(`  the database ${topology.database.name} with all of its data, in ${full}`)
  output.note('  caches, etcd, logs and passwords')
  output.note('This cannot be undone. The topology file and the app are kept.')
  return confirm('Remove it?', { yes, what: '--purge' })
}

/** Removes a stopped world completely, including a lab's mounted small disks. */
export async function remove({ folder, record }: WorldHandle): Promise<void> {
  await removeWorld(folder, async () => {
    if (!record.lab) return
    const { unmountSmallDisks } = await import('../lab/faults/small-disk.ts')
    await unmountSmallDisks(folder)
  })
}
