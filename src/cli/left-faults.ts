import type { Note } from '../lib/note.ts'
import { hasFaultRecords } from '../world/fault-folder.ts'
import type { WorldHandle } from '../world/handle.ts'

/** For commands that rehearse nothing: they load the lab's code only for a world in which a fault was left. */

/** See `healLeftFaults` of the lab. */
export async function healLeftFaults(
  world: WorldHandle,
  note: Note,
  options: { starting?: boolean } = {},
): Promise<void> {
  if (!hasFaultRecords(world.folder)) return
  const lab = await import('../lab/faults/heal-world.ts')
  await lab.healLeftFaults(world, note, options)
}

/** Before a world is stopped; see `dropFaults` of the lab. */
export async function dropFaults(world: WorldHandle, note: Note): Promise<void> {
  if (!hasFaultRecords(world.folder)) return
  const lab = await import('../lab/faults/heal-world.ts')
  await lab.dropWorldFaults(world, note)
}
