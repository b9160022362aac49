import { agentProcess } from './agents.ts'
import { regionStatus, type WorldHandle } from './handle.ts'
import { isHere } from './here.ts'
import { type Majority, majorityOf } from './majority.ts'

/** Counts the regions whose agent runs here, or answers from another machine. */
export async function majorityNow(world: WorldHandle): Promise<Majority> {
  const runs = await Promise.all(
    world.regions.map(async (region) => {
      if (!region.votes) return false
      if (isHere(world, region)) return agentProcess(world, region) !== undefined
      return (await regionStatus(world, region, 1500)) !== undefined
    }),
  )
  return majorityOf(
    world.regions,
    (name) => runs[world.regions.findIndex((one) => one.name === name)] === true,
  )
}
