import type { Location } from '../geo/distance.ts'
import { rttMs } from '../geo/rtt.ts'

/** Round trips that were measured, in ms by `from to`; either order means both. */
export type MeasuredRtts = Readonly<Record<string, number>>

type Place = { name: string; location: Location }

/** What is known of the round trip between two regions: measured if someone has, else the model's. Earlier sources win. */
export function roundTripMs(a: Place, b: Place, ...sources: readonly (MeasuredRtts | undefined)[]): number {
  for (const source of sources) {
    const known = source?.[`${a.name} ${b.name}`] ?? source?.[`${b.name} ${a.name}`]
    if (known !== undefined) return known
  }
  return rttMs(a.location, b.location)
}
