import type { Note } from '../lib/note.ts'
import { hasFaultRecords } from '../world/fault-folder.ts'
import type { WorldHandle } from '../world/handle.ts'

/** For commands without faults: loads lab code only for a world with a leftover fault. */

/** See `healLeftFaults` in the lab. */
export async function healLeftFaults(
  world: WorldHandle,
  note: Note,
  options: { starting?: boolean } = {},
): Promise<void> {
  if (!hasFaultRecords(world.folder)) return
  const lab = await import('../lab/faults/heal-world.ts')
  await lab.healLeftFaults(world, note, options)
}

/** Call it before stopping a world; see `dropFaults` in the lab. */
export async function dropFaults(world: WorldHandle, note: Note): Promise<void> {
  if (!hasFaultRecords(world.folder)) return
  const lab = await import('../lab/faults/heal-world.ts')
  await lab.dropWorldFaults(world, note)
}
