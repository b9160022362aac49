import type { Location } from '../geo/distance.ts'
import { rttMs } from '../geo/rtt.ts'

/** Measured round trips in ms, by `from to`. One entry covers both directions. */
export type MeasuredRtts = Readonly<Record<string, number>>

type Place = { name: string; location: Location }

/** Round trip between two regions: measured if any source has it (earlier ones win), otherwise the model's estimate. */
export function roundTripMs(a: Place, b: Place, ...sources: readonly (MeasuredRtts | undefined)[]): number {
  for (const source of sources) {
    const known = source?.[`${a.name} ${b.name}`] ?? source?.[`${b.name} ${a.name}`]
    if (known !== undefined) return known
  }
  return rttMs(a.location, b.location)
}
