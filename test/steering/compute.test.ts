import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { distanceKm, type Location } from '../../src/geo/distance.ts'
import { type Place, placeTree } from '../../src/geo/place-tree.ts'
import {
  contains,
  type Family,
  longestPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../src/geo/prefix.ts'
import { specialPrefixes } from '../../src/geo/special.ts'
import { computeTable } from '../../src/steering/compute.ts'
import type { Settlement } from '../../src/steering/population.ts'
import type { SteeringRegion, SteeringTable } from '../../src/steering/table.ts'
import { encodeTable } from '../../src/steering/table-file.ts'
import { arbitraryLocation, arbitraryPrefix } from '../support/places.ts'
import { indexOf, locate, rankingOf } from '../support/steering-table.ts'

type Entry = Prefix & { location: Place }

const usEast = { name: 'us-east', location: { lat: 39.04, lon: -77.49 } }
const usWest = { name: 'us-west', location: { lat: 45.84, lon: -119.7 } }
const europe = { name: 'europe', location: { lat: 50.11, lon: 8.68 } }
const newYork = { lat: 40.71, lon: -74 }
const losAngeles = { lat: 34.05, lon: -118.24 }
const berlin = { lat: 52.52, lon: 13.4 }
const inUs = (location: Location): Place => ({ ...location, country: 'US', precision: 'city' })
/** What a database says of a network in the United States whose city it does not have. */
const somewhereInUs: Place = { lat: 37.751, lon: -97.822, country: 'US', precision: 'country' }

function tableOf(
  regions: SteeringRegion[],
  entries: Entry[],
  maxPrefixes = 200_000,
  settlements: Settlement[] = [],
): SteeringTable {
  const places = ([4, 6] as const)
    .filter((family) => entries.some((entry) => entry.family === family))
    .map((family) => placeTree(family, entries))
  return computeTable({ regions, places, maxPrefixes, settlements })
}

const isSpecial = (prefix: Prefix) =>
  specialPrefixes.some((special) => special.length <= prefix.length && contains(special, prefix))

const at = (prefix: string, location: Place): Entry => ({ ...parsePrefix(prefix)!, location })

function orderFor(table: SteeringTable, address: string): string[] {
  const { family, index } = locate(table, parseAddress(address)!)
  return [...rankingOf(table, family, index)].map((region) => table.regions[region]!.name)
}

test('regions are ranked by great-circle distance from the user', () => {
  const table = tableOf(
    [usEast, usWest, europe],
    [
      at('9.0.0.0/8', newYork),
      at('17.0.0.0/8', losAngeles),
      at('2600::/24', newYork),
      at('2a00::/16', berlin),
    ],
  )
  assert.deepEqual(orderFor(table, '9.1.2.3'), ['us-east', 'us-west', 'europe'])
  assert.deepEqual(orderFor(table, '17.1.2.3'), ['us-west', 'us-east', 'europe'])
  assert.deepEqual(orderFor(table, '2600::1'), ['us-east', 'us-west', 'europe'])
  assert.deepEqual(orderFor(table, '2a00:1::1'), ['europe', 'us-east', 'us-west'])
})

test('addresses of unknown place are ranked like the known network around them', () => {
  const table = tableOf([usEast, usWest], [at('64.0.0.0/10', losAngeles), at('9.0.0.0/8', newYork)])
  assert.deepEqual(orderFor(table, '64.100.0.1')[0], 'us-west', 'the other half of 64.0.0.0/9 is known')
  assert.deepEqual(orderFor(table, '9.1.1.1')[0], 'us-east')
})

test('private, unspecified and loopback addresses get the topology order, whatever their neighbours get', () => {
  const neighbours = ['1.0.0.0/8', '11.0.0.0/8', '126.0.0.0/8', '9.0.0.0/8', '10.0.0.0/8', '2600::/12']
  const table = tableOf(
    [usEast, usWest],
    neighbours.map((prefix) => at(prefix, losAngeles)),
  )
  for (const address of [
    '0.0.0.0',
    '10.1.2.3',
    '127.0.0.1',
    '192.168.1.1',
    '172.20.0.1',
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
  ]) {
    assert.deepEqual(orderFor(table, address), ['us-east', 'us-west'], address)
  }
  assert.equal(orderFor(table, '11.0.0.1')[0], 'us-west')
})

test('without a database everyone gets the topology order, in two halves per family', () => {
  const table = tableOf([usWest, usEast], [])
  assert.deepEqual(
    table.covers.map((cover) => [...cover.lengths]),
    [
      [1, 1],
      [1, 1],
    ],
  )
  assert.deepEqual(orderFor(table, '9.9.9.9'), ['us-west', 'us-east'])
})

test('a prefix is never longer than resolvers send, /24 and /56, and is ranked by most of its addresses', () => {
  const table = tableOf(
    [usEast, usWest],
    [
      at('9.9.9.0/24', newYork),
      at('9.9.9.128/26', losAngeles),
      at('2600:1:2:300::/56', newYork),
      at('2600:1:2:3f0::/60', losAngeles),
    ],
  )
  for (const [cover, family] of table.covers.map((cover) => [cover, cover.family] as const)) {
    assert.ok(Math.max(...cover.lengths) <= longestPrefix[family])
  }
  assert.equal(orderFor(table, '9.9.9.129')[0], 'us-east')
  assert.equal(orderFor(table, '2600:1:2:3f1::')[0], 'us-east')
})

test('equal distances keep the topology order', () => {
  const twin = { name: 'twin', location: usEast.location }
  assert.deepEqual(orderFor(tableOf([usEast, twin], [at('9.0.0.0/8', newYork)]), '9.0.0.1'), [
    'us-east',
    'twin',
  ])
  assert.deepEqual(orderFor(tableOf([twin, usEast], [at('9.0.0.0/8', newYork)]), '9.0.0.1'), [
    'twin',
    'us-east',
  ])
})

/** Networks of up to 20 (IPv4) or 40 (IPv6) bits, so none exceeds the longest allowed prefix. */
const arbitraryEntries = fc.array(
  fc
    .tuple(fc.oneof(arbitraryPrefix(4, 20), arbitraryPrefix(6, 40)), arbitraryLocation())
    .map(([prefix, location]): Entry => ({ ...prefix, location })),
  { maxLength: 40 },
)
const arbitraryRegions = fc
  .array(arbitraryLocation(), { minLength: 1, maxLength: 5 })
  .map((locations) =>
    locations.map((location, index): SteeringRegion => ({ name: `region-${index}`, location })),
  )

/** The reference: the longest entry that contains the address. */
function placeOf(
  entries: Entry[],
  address: { family: Family; high: number; low: number },
): Location | undefined {
  const holding = entries.filter((entry) => contains(entry, address))
  const longest = Math.max(...holding.map((entry) => entry.length))
  return holding.filter((entry) => entry.length === longest).at(-1)?.location
}

test('without a bound, every known address gets the ranking of its own place', () => {
  fc.assert(
    fc.property(arbitraryRegions, arbitraryEntries, (regions, entries) => {
      const table = tableOf(regions, entries)
      for (const probe of entries) {
        const address = { family: probe.family, high: probe.high, low: probe.low }
        if (isSpecial({ ...probe, length: 64 })) continue
        const { family, index } = locate(table, address)
        const place = placeOf(entries, address)!
        const distances = [...rankingOf(table, family, index)].map((region) =>
          distanceKm(place, regions[region]!.location),
        )
        assert.deepEqual(
          distances,
          distances.toSorted((a, b) => a - b),
        )
      }
    }),
  )
})

test('the bound holds, and the same input gives the same bytes', () => {
  fc.assert(
    fc.property(
      arbitraryRegions,
      arbitraryEntries,
      fc.integer({ min: 16, max: 64 }),
      (regions, entries, bound) => {
        const table = tableOf(regions, entries, bound)
        const count = table.covers[0].lengths.length + table.covers[1].lengths.length
        assert.ok(count <= bound, `${count} prefixes`)
        assert.deepEqual(encodeTable(table), encodeTable(tableOf(regions, entries, bound)))
      },
    ),
  )
})

/** Km beyond the nearest region that known addresses are sent, on average. */
function meanDetourKm(table: SteeringTable, entries: Entry[]): number {
  let [detour, addresses] = [0, 0]
  for (const entry of entries) {
    const cover = table.covers[0]
    const size = 2 ** (32 - entry.length)
    for (let step = 0; step < 64; step++) {
      const high = entry.high + (size / 64) * step
      if (isSpecial({ family: 4, high, low: 0, length: 32 })) continue
      const order = table.rankings[cover.values[indexOf(cover, high, 0)]!]!
      const distances = table.regions.map((region) => distanceKm(entry.location, region.location))
      detour += size * (distances[order[0]!]! - Math.min(...distances))
      addresses += size
    }
  }
  return addresses === 0 ? 0 : detour / addresses
}

test('a tighter bound never shortens the detours of users', () => {
  const disjoint = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 16, max: 120 }), arbitraryLocation()), {
      selector: ([first]) => first,
      maxLength: 40,
    })
    .map((pairs) => pairs.map(([first, location]): Entry => at(`${first}.0.0.0/8`, location)))
  fc.assert(
    fc.property(disjoint, (entries) => {
      const regions = [usEast, usWest, europe]
      const detours = [16, 24, 40, 100, 200_000].map((bound) =>
        meanDetourKm(tableOf(regions, entries, bound), entries),
      )
      // The price also counts later choices, at a sixteenth each, so the first choice may lose a little to them.
      for (let step = 1; step < detours.length; step++) {
        assert.ok(detours[step]! <= detours[step - 1]! * 1.07 + 1e-6, detours.join(' '))
      }
      assert.equal(detours.at(-1), 0)
    }),
  )
})

test('a bound first sacrifices small networks and short detours', () => {
  // Large networks in New York, each with a small network in Los Angeles inside, except for one with a large one.
  const entries = Array.from({ length: 60 }, (_, step) => [
    at(`${16 + step}.0.0.0/8`, newYork),
    at(`${16 + step}.128.0.0/${step === 30 ? 9 : 20}`, losAngeles),
  ]).flat()
  const table = tableOf([usEast, usWest], entries, 40)
  assert.equal(orderFor(table, '46.200.0.1')[0], 'us-west', 'half of 46.0.0.0/8 keeps its own prefix')
  assert.equal(orderFor(table, '20.128.0.1')[0], 'us-east', 'a /20 takes the ranking around it')
})

test('every prefix is ranked by the mean distance of its addresses', () => {
  const table = tableOf([usEast, usWest], [at('9.0.0.0/9', newYork), at('9.128.0.0/10', losAngeles)], 200_000)
  const byDistance = (place: Location) =>
    [usEast, usWest]
      .toSorted((a, b) => distanceKm(place, a.location) - distanceKm(place, b.location))
      .map(({ name }) => name)
  assert.deepEqual(orderFor(table, '9.1.1.1'), byDistance(newYork))
  assert.deepEqual(orderFor(table, '9.129.1.1'), byDistance(losAngeles))
})

const californians: Settlement[] = [
  { country: 'US', population: 30, location: losAngeles },
  { country: 'US', population: 10, location: newYork },
]

test('a network of which only the country is known goes where most of the country lives, not to its middle', () => {
  const entries = [at('9.0.0.0/8', somewhereInUs), at('17.0.0.0/8', inUs(newYork))]
  assert.equal(orderFor(tableOf([usEast, usWest], entries, 1000, californians), '9.1.1.1')[0], 'us-west')
  const easterners = californians.map((one) => ({ ...one, population: 40 - one.population }))
  assert.equal(orderFor(tableOf([usEast, usWest], entries, 1000, easterners), '9.1.1.1')[0], 'us-east')
})

test('without inhabitants, it goes where the known networks of its country are, and then to its middle', () => {
  const known = [at('17.0.0.0/8', inUs(losAngeles)), at('18.0.0.0/8', inUs(losAngeles))]
  const other = at('30.0.0.0/8', { ...berlin, country: 'DE', precision: 'city' })
  const regions = [usEast, usWest, europe]
  const tableWith = (entries: Entry[]) =>
    tableOf(regions, [at('9.0.0.0/8', somewhereInUs), other, ...entries])
  assert.equal(orderFor(tableWith(known), '9.1.1.1')[0], 'us-west')
  assert.equal(orderFor(tableWith([]), '9.1.1.1')[0], 'us-east')
})

/** A block with `count` known networks of the same place, spread over it, and one that lacks its city. */
const block = (count: number, location: Location) => [
  ...Array.from({ length: count }, (_, step) =>
    at(`9.9.${step * Math.floor(240 / count)}.0/24`, inUs(location)),
  ),
  at('9.9.250.0/24', somewhereInUs),
]

test('known networks around it count, more the more of them there are', () => {
  const easterners: Settlement[] = [
    { country: 'US', population: 60, location: newYork },
    { country: 'US', population: 40, location: losAngeles },
  ]
  const choice = (count: number) =>
    orderFor(tableOf([usEast, usWest], block(count, losAngeles), 10_000, easterners), '9.9.250.1')[0]
  assert.equal(choice(12), 'us-west')
  const alone = tableOf([usEast, usWest], [at('9.9.250.0/24', somewhereInUs)], 10_000, easterners)
  assert.equal(orderFor(alone, '9.9.250.1')[0], 'us-east')
})

test('a thousand known networks in one part of a block do not speak for the rest of it', () => {
  const crowd = Array.from({ length: 1024 }, (_, step) =>
    at(`9.${step >> 8}.${step & 255}.0/24`, inUs(step % 2 ? losAngeles : { lat: 34.1, lon: -118.3 })),
  )
  const few = ['9.64.0.0/16', '9.96.0.0/16', '9.128.0.0/16', '9.160.0.0/16', '9.192.0.0/16', '9.224.0.0/16']
  const entries = [
    ...crowd,
    ...few.map((prefix) => at(prefix, inUs(newYork))),
    at('9.240.0.0/12', somewhereInUs),
  ]
  const evenly = californians.map((one) => ({ ...one, population: 1 }))
  assert.equal(orderFor(tableOf([usEast, usWest], entries, 10_000, evenly), '9.241.1.1')[0], 'us-east')
})

test('networks of another country around it do not count', () => {
  const entries = [
    ...Array.from({ length: 16 }, (_, step) =>
      at(`9.9.${step * 8}.0/24`, { ...berlin, country: 'DE', precision: 'city' }),
    ),
    at('9.9.250.0/24', somewhereInUs),
  ]
  const table = tableOf([europe, usEast, usWest], entries, 10_000, californians)
  assert.equal(orderFor(table, '9.9.250.1')[0], 'us-west')
})

test('an entry without a city at the middle of its country counts as one with the country only', () => {
  const area: Place = { ...somewhereInUs, precision: 'area' }
  const elsewhere: Place = { ...inUs(losAngeles), precision: 'area' }
  const entries = [
    at('9.0.0.0/8', somewhereInUs),
    at('17.0.0.0/8', area),
    at('18.0.0.0/8', elsewhere),
    at('19.0.0.0/8', inUs(somewhereInUs)),
  ]
  const [summary] = tableOf([usEast, usWest], entries, 1000, californians).summary!
  assert.deepEqual(
    [summary.networks, summary.countryOnly],
    [4, { networks: 0.5, addresses: 0.5 }],
    'a place with a city stays a place',
  )
})

test('the summary says what share the bound misleads, by networks and by addresses', () => {
  const small = Array.from({ length: 60 }, (_, step) => [
    at(`${16 + step}.0.0.0/9`, newYork),
    at(`${16 + step}.128.0.0/24`, losAngeles),
  ]).flat()
  const loose = tableOf([usEast, usWest], small, 200_000).summary!
  assert.deepEqual(loose[0].misled, { networks: 0, addresses: 0 })
  assert.deepEqual(loose[1], {
    networks: 0,
    countryOnly: { networks: 0, addresses: 0 },
    misled: { networks: 0, addresses: 0 },
  })
  const tight = tableOf([usEast, usWest], small, 16).summary!
  assert.equal(tight[0].misled.networks, 0.5)
  assert.ok(tight[0].misled.addresses < 0.001)
})

test('many small networks are not given up for one large one', () => {
  // A city in the west in 64 entries of /24, and operators' /12 a little nearer to the west, all inside of the east.
  const city = Array.from({ length: 64 }, (_, step) => [
    at(`${60 + step}.0.0.0/8`, newYork),
    at(`${60 + step}.128.0.0/24`, losAngeles),
  ]).flat()
  const carriers = Array.from({ length: 40 }, (_, step) => [
    at(`${150 + step}.0.0.0/8`, newYork),
    at(`${150 + step}.128.0.0/12`, { lat: 40, lon: -101 }),
  ]).flat()
  const entries = [...city, ...carriers]
  const first = (bound: number) =>
    ['80.128.0.1', '160.128.0.1'].map((net) => orderFor(tableOf([usEast, usWest], entries, bound), net)[0])
  assert.deepEqual(first(200_000), ['us-west', 'us-west'])
  assert.deepEqual(first(1150), ['us-west', 'us-east'], 'a longer way for a few, not for many')
})
