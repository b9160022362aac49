import { every, Loop } from '../../lib/loop.ts'
import { isSettled, type Sample } from './sample.ts'
import type { DrillWorld } from './types.ts'

const sampleEveryMs = 250

/** Samples the world periodically from now on. */
export function watchWorld(world: DrillWorld) {
  const samples: Sample[] = []
  const loop = new Loop({
    async round(signal) {
      const sample = await world.sample()
      if (!signal.aborted) samples.push(sample)
    },
    restMs: every(sampleEveryMs, 20),
    // The next sample will do.
    onError: () => undefined,
  })
  loop.start()
  return { samples, last: () => samples.at(-1), stop: () => void loop.stop() }
}
export type Watch = ReturnType<typeof watchWorld>

export const isSettledNow = (world: DrillWorld, sample: Sample) =>
  isSettled(sample, world.topology.database.durability, world.fullRegions)
