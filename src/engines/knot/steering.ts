import type { AvailabilityByRegion } from '../../steering/availability.ts'
import type { SteeringTable } from '../../steering/table.ts'
import { regionsOf } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'
import type { ApplyResult, KnotControl } from './control.ts'
import { knotMap } from './map.ts'

export type KnotSteering = {
  /**
   * Makes the region's Knot answer according to the availability. Agents call it in every cycle: while nothing changes
   * it costs one query to the server, which also detects a server that has lost its map.
   */
  reconcile(availability: AvailabilityByRegion): Promise<ApplyResult>
}

export function createKnotSteering(options: {
  topology: Topology
  table: SteeringTable
  control: KnotControl
}): KnotSteering {
  const { topology, table, control } = options
  const regions = regionsOf(topology)
  let done: { availability: string; mark: string } | undefined
  return {
    async reconcile(availability) {
      const wanted = JSON.stringify(table.regions.map((region) => availability[region.name]))
      if (done?.availability === wanted && (await control.liveMark()) === done.mark) {
        return { kind: 'unchanged', mark: done.mark }
      }
      done = undefined
      const result = await control.apply(knotMap(topology, regions, table, availability))
      if (result.kind !== 'refused') done = { availability: wanted, mark: result.mark }
      return result
    },
  }
}
