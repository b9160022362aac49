import { loadCities } from '../../src/geo/cities.ts'
import { labOf } from '../../src/lab/lab.ts'
import { checkMix } from '../../src/lab/users/plan/mix.ts'
import { parsePlaces } from '../../src/lab/users/plan/places.ts'
import type { Part, UsersResult } from '../../src/lab/users/result.ts'
import { runUsers } from '../../src/lab/users/run.ts'
import { openWorld } from '../../src/world/handle.ts'
import { cityDatabases } from '../../test/support/city-databases.ts'
import { shop } from '../../test/support/world/apps.ts'
import { twoRegionsAndWitness } from '../../test/support/world.ts'
import { boundShare } from './bound.ts'
import { visits, writeKind } from './mix.ts'
import type { Say } from './say.ts'
import { withLab } from './world.ts'

export type VisitsInput = {
  /** Regions with app and data; the others only vote, so that all sites stay the same. */
  full: readonly string[]
  ratePerSecond: number
  seconds: number
  seed: number
}

export type Visits = Pick<
  UsersResult,
  'users' | 'all' | 'warm' | 'areas' | 'kinds' | 'errors' | 'slo' | 'effort'
> & {
  cold: Part
  /** The share of requests that distance alone would allow within the SLO's time; see bound.ts. */
  bound: number
}

const warmUpSeconds = 15

/** Users in cities of the United States by population, with their network latency. */
export async function visitsInLab(input: VisitsInput, say: Say): Promise<Visits> {
  const { full, ratePerSecond, seconds, seed } = input
  const regions = Object.fromEntries(
    Object.entries(twoRegionsAndWitness).map(([name, { location }]) => [
      name,
      { location, role: full.includes(name) ? ('full' as const) : ('witness' as const) },
    ]),
  )
  const topology = {
    database: { primary: full[0]!, durability: full.length > 1 ? ('region' as const) : ('local' as const) },
    steering: { geoip: cityDatabases.files },
  }
  return withLab({ app: shop, regions, topology }, async ({ world }) => {
    const handle = await openWorld(world.folder)
    const places = parsePlaces('us', await loadCities())
    const run = (forSeconds: number, seed: number) =>
      runUsers({
        world: handle,
        lab: labOf(handle),
        ratePerSecond,
        mix: checkMix(visits, 'visits'),
        places,
        placesText: 'us',
        forMs: forSeconds * 1000,
        seed,
      })
    say(
      `${full.join(' and ')}: warming up for ${warmUpSeconds} s, then ${ratePerSecond} requests per second for ${seconds} s`,
    )
    await run(warmUpSeconds, seed + 1)
    const result = await run(seconds, seed)
    const { users, all, warm, cold, areas, kinds, errors, slo, effort } = result
    const share = (requests: number) => requests / all.requests
    const bound = boundShare({
      places,
      regions: full.map((name) => twoRegionsAndWitness[name]!.location),
      limitMs: slo.latencyMs,
      named: share(cold.named.requests),
      connected: share(cold.connected.requests),
      writes: share(kinds.find(({ name }) => name === writeKind)!.requests),
    })
    return { users, all, warm, cold, areas, kinds, errors, slo, effort, bound }
  })
}
