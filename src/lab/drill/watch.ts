import { setTimeout as sleep } from 'node:timers/promises'
import { clockMs } from '../history.ts'
import { isSettled, type Look } from './sample.ts'
import type { DrillWorld } from './types.ts'

const lookEveryMs = 250

/** Looks at the world again and again, from now on. */
export function watchWorld(world: DrillWorld) {
  const looks: Look[] = []
  let stopped = false
  const loop = async () => {
    while (!stopped) {
      const startedMs = clockMs()
      const look = await world.look().catch(() => undefined)
      if (look && !stopped) looks.push(look)
      await sleep(Math.max(20, lookEveryMs - (clockMs() - startedMs)))
    }
  }
  void loop()
  return {
    looks,
    last: () => looks.at(-1),
    stop: () => {
      stopped = true
    },
  }
}
export type Watch = ReturnType<typeof watchWorld>

export const isSettledNow = (world: DrillWorld, look: Look) =>
  isSettled(look, world.topology.database.durability, world.fullRegions)
