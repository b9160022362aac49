import type { Note } from '../../lib/note.ts'
import { hasFaultRecords } from '../../world/fault-folder.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { describeEffect, describeHealing } from './describe.ts'
import { dropFaults, type Healed, healLeft } from './heal-left.ts'
import { openFaultTarget } from './open-target.ts'
import { faultTargetOf } from './world-target.ts'

/** Heals and reports faults left by earlier commands. Commands that act on a world call this first. */
export async function healLeftFaults(
  world: WorldHandle,
  note: Note,
  { starting = false }: { /** The caller is about to start killed regions. */ starting?: boolean } = {},
): Promise<Healed[]> {
  if (!hasFaultRecords(world.folder)) return []
  const target = await openFaultTarget(world, note)
  const healed = await healLeft(starting ? { ...target, startRegion: async () => undefined } : target)
  for (const { fault, error } of healed)
    note(
      error === undefined
        ? `healed a fault that an earlier command left: ${describeHealing(fault) ?? describeEffect(fault)}`
        : `could not heal: ${describeEffect(fault)}: ${error}`,
    )
  return healed
}

/** Before a world is stopped; see `dropFaults`. */
export async function dropWorldFaults(world: WorldHandle, note: Note): Promise<void> {
  if (hasFaultRecords(world.folder)) await dropFaults(faultTargetOf(world, note, undefined))
}
