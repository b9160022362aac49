import { setTimeout as sleep } from 'node:timers/promises'
import { clockMs } from '../history.ts'
import { isSettled, type Sample } from './sample.ts'
import type { DrillWorld } from './types.ts'

const cycleIntervalMs = 250

/** CoordinationLoop at the world again and again, from now on. */
export function watchWorld(world: DrillWorld) {
  const samples: Sample[] = []
  let stopped = false
  const loop = async () => {
    while (!stopped) {
      const startedMs = clockMs()
      const sample = await world.sample().catch(() => undefined)
      if (sample && !stopped) samples.push(sample)
      await sleep(Math.max(20, cycleIntervalMs - (clockMs() - startedMs)))
    }
  }
  void loop()
  return {
    samples,
    last: () => samples.at(-1),
    stop: () => {
      stopped = true
    },
  }
}
export type Watch = ReturnType<typeof watchWorld>

export const isSettledNow = (world: DrillWorld, sample: Sample) =>
  isSettled(sample, world.topology.database.durability, world.fullRegions)
