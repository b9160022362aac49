import { NearsideError } from '../../lib/errors.ts'
import { findLab, openWorldHere, type WorldOptions, worldOf } from '../../world/find.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { isHere } from '../../world/here.ts'

/** The lab that the options name or, without a lab, the world. */
export async function rehearsedWorld(options: WorldOptions): Promise<WorldHandle> {
  let folder: string
  try {
    folder = findLab(options, process.cwd())
  } catch (error) {
    if (!(error instanceof NearsideError) || error.code !== 'lab_not_found') throw error
    return worldOf(options)
  }
  return openWorldHere(folder)
}

/** Faults are for labs and for worlds whose regions are all on this machine. */
export function rehearsalGround(world: WorldHandle): 'lab' | 'local' | 'elsewhere' {
  if (world.record.lab) return 'lab'
  return world.regions.every((region) => isHere(world, region)) ? 'local' : 'elsewhere'
}

export function mustBeRehearsalGround(world: WorldHandle, override: boolean | undefined): void {
  if (override || rehearsalGround(world) !== 'elsewhere') return
  throw new NearsideError(
    'not_a_rehearsal',
    `${world.name}: some regions are neither in a lab nor on this machine; faults there would affect real users`,
    {
      remedy:
        'rehearse in a lab (`nearside lab up`), or add --i-know-this-is-production; faults then affect only processes on this machine',
    },
  )
}
