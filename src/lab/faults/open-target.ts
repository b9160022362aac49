import type { Note } from '../../lib/note.ts'
import type { WorldHandle } from '../../world/handle.ts'
import type { Shaper } from '../wan/index.ts'
import type { FaultTarget, Links } from './target.ts'
import { faultTargetOf } from './world-target.ts'

/** A world on this machine as a target of faults, including the network of a lab. */
export async function openFaultTarget(world: WorldHandle, note: Note): Promise<FaultTarget> {
  return faultTargetOf(world, note, world.record.lab ? await labLinks(world) : undefined)
}

/** Loads lab code only for a lab. */
async function labLinks(world: WorldHandle): Promise<Links> {
  const { labOf } = await import('../lab.ts')
  const lab = labOf(world)
  const withShaper = async <T>(work: (shaper: Shaper) => Promise<T>): Promise<T> => {
    const shaper = await lab.wan()
    try {
      return await work(shaper)
    } finally {
      shaper.close()
    }
  }
  return {
    now: () => withShaper((shaper) => shaper.params()),
    set: (links) => withShaper((shaper) => shaper.set(links)),
  }
}
