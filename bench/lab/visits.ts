import { loadCities } from '../../src/geo/cities.ts'
import { labOf } from '../../src/lab/lab.ts'
import { checkMix, type MixInput } from '../../src/lab/users/plan/mix.ts'
import { parsePlaces } from '../../src/lab/users/plan/places.ts'
import type { Part, UsersResult } from '../../src/lab/users/result.ts'
import { runUsers } from '../../src/lab/users/run.ts'
import { openWorld } from '../../src/world/handle.ts'
import { cityDatabases } from '../../test/support/city-databases.ts'
import { shop } from '../../test/support/world/apps.ts'
import { twoRegionsAndWitness } from '../../test/support/world.ts'
import type { Say } from './say.ts'
import { withLab } from './world.ts'

export type VisitsInput = {
  /** Regions with app and data; the others only vote, so that the sites are the same. */
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
}

const warmUpSeconds = 15

/** As people use the shop, with an order among every twenty requests: `order` is the kind of the writes. */
const visits: MixInput = {
  steps: 8,
  think: '1s-5s',
  first: 'home',
  // They are fast and many, and would hide what pages take.
  assets: false,
  requests: {
    home: { weight: 2, get: '/' },
    product: { weight: 6, follow: '/products/', get: '/products/{id}', values: { id: '1..2000' } },
    search: { weight: 2, get: '/?q={word}', values: { word: ['mug', 'lamp', 'linen', 'tea', 'garden'] } },
    history: { weight: 1, get: '/orders' },
    order: {
      // Of the requests after a visit's first; the shop answers it with a redirect, which is one more read.
      weight: 0.7,
      post: '/orders',
      values: { id: '1..2000', quantity: '1..3' },
      form: { reference: '{reference}', 'product-{id}': '{quantity}' },
    },
  },
}

/** Users in the cities of the United States, by population, at their distances. */
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
    steering: { places: cityDatabases.files },
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
      `${full.join(' and ')}: warming up for ${warmUpSeconds} s, then ${ratePerSecond} requests a second for ${seconds} s`,
    )
    await run(warmUpSeconds, seed + 1)
    const result = await run(seconds, seed)
    const { users, all, warm, cold, areas, kinds, errors, slo, effort } = result
    return { users, all, warm, cold, areas, kinds, errors, slo, effort }
  })
}
