import { uniformCover } from '../geo/cover.ts'
import type { SteeringRegion, SteeringTable } from './table.ts'

/** Without any knowledge of places: everyone gets the topology order. Health applies to it as to any other table. */
export function uniformTable(regions: readonly SteeringRegion[]): SteeringTable {
  return {
    regions,
    rankings: [Uint8Array.from(regions, (_, region) => region)],
    covers: [uniformCover(4, 0), uniformCover(6, 0)],
  }
}

/**
 * An older table for the present regions: removed regions disappear from its rankings, and added ones come last until a
 * table that knows their place replaces it. Returns the table itself if the regions are the same.
 */
export function fittedTable(table: SteeringTable, regions: readonly SteeringRegion[]): SteeringTable {
  const isSame =
    table.regions.length === regions.length &&
    table.regions.every(({ name }, index) => name === regions[index]!.name)
  if (isSame) return table
  const now = new Map(regions.map(({ name }, index) => [name, index]))
  const added = regions.flatMap(({ name }, index) =>
    table.regions.some((region) => region.name === name) ? [] : [index],
  )
  const rankings = table.rankings.map((order) =>
    Uint8Array.from([
      ...[...order].flatMap((region) => now.get(table.regions[region]!.name) ?? []),
      ...added,
    ]),
  )
  return { regions, rankings, covers: table.covers }
}
