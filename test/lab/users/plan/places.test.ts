import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areaOf } from '../../../../src/geo/areas.ts'
import { leastPopulation, loadCities } from '../../../../src/geo/cities.ts'
import { distanceKm } from '../../../../src/geo/distance.ts'
import { loadPlaces } from '../../../../src/geo/load-places.ts'
import { placeTree } from '../../../../src/geo/place-tree.ts'
import { formatPrefix, parsePrefix } from '../../../../src/geo/prefix.ts'
import { mostPlaces } from '../../../../src/lab/users/plan/place.ts'
import { drawPlaces, parsePlaces } from '../../../../src/lab/users/plan/places.ts'
import { nearKm, prefixesNear, prefixIndex } from '../../../../src/lab/users/plan/prefixes.ts'
import { seeded } from '../../../../src/lab/users/plan/random.ts'
import { cityDatabases } from '../../../support/city-databases.ts'

const cities = await loadCities()
const csv = (text: string) => parsePlaces('x.csv', cities, { name: 'x.csv', text })

const error = (work: () => unknown) => {
  try {
    work()
  } catch (caught) {
    const { code, message, remedy } = caught as { code: string; message: string; remedy?: string }
    return `${code} ${message} | ${remedy}`
  }
  return 'accepted'
}

test('the numbers of cities fit the users’ networks', () => {
  assert.ok(cities.length > 25_000 && cities.length < 2 ** 15 - mostPlaces, `${cities.length} cities`)
  assert.ok(cities.every(({ rank, population }, i) => rank === i && population >= leastPopulation))
  assert.deepEqual([cities[0]!.name, cities[0]!.country], ['Shanghai', 'CN'])
})

test('a set has its cities by population', () => {
  const us = parsePlaces('us', cities)
  const europe = parsePlaces('Europe', cities)
  assert.equal(us[0]!.name, 'New York City, NY')
  assert.deepEqual(new Set(us.map(({ area }) => area)), new Set(['US East', 'US Central', 'US West']))
  assert.ok(europe.some(({ name }) => name === 'Moscow, RU'))
  assert.ok(!europe.some(({ name }) => name === 'Vladivostok, RU'))
  assert.deepEqual(new Set(europe.map(({ area }) => area)), new Set(['Europe']))
  assert.equal(parsePlaces('world', cities).length, cities.length)
  assert.equal(parsePlaces('us,europe', cities).length, us.length + europe.length)
  assert.equal(parsePlaces('us,Boston', cities).length, us.length, 'no city is counted twice')
})

test('areas are coasts in the United States and continents elsewhere', () => {
  const area = (name: string) => parsePlaces(name, cities)[0]!.area
  assert.deepEqual(['Boston', 'Miami', 'Chicago', 'Dallas', 'Denver', 'Seattle', 'Honolulu'].map(area), [
    'US East',
    'US East',
    'US Central',
    'US Central',
    'US West',
    'US West',
    'US West',
  ])
  assert.deepEqual(['Toronto', 'Lagos', 'Lima', 'Sydney', 'Tokyo', 'Berlin'].map(area), [
    'North America',
    'Africa',
    'South America',
    'Oceania',
    'Asia',
    'Europe',
  ])
  assert.equal(areaOf({ country: 'US', location: { lat: 13.4, lon: 144.7 } }), 'US West')
})

test('a name means its most populous city, or the specified one', () => {
  const only = (text: string) => parsePlaces(text, cities).map(({ name }) => name)
  assert.deepEqual(only('boston, São Paulo,sao paulo'), ['Boston, MA', 'São Paulo, BR'])
  assert.deepEqual(only('Portland'), ['Portland, OR'])
  assert.deepEqual(only('Portland:ME,Paris:US'), ['Portland, ME', 'Paris, TX'])
  assert.deepEqual(only('New York'), ['New York City, NY'])
})

test('an unknown place gets a suggestion', () => {
  assert.match(
    error(() => parsePlaces('wrld', cities)),
    /usage_places .*us, europe, world.*"wrld" \| did you mean world\?/,
  )
  assert.match(
    error(() => parsePlaces('Bosten', cities)),
    /did you mean Boston\?/,
  )
  assert.match(
    error(() => parsePlaces('Portland:XX', cities)),
    /no city Portland in XX \| known are Portland:OR, Portland:ME/,
  )
  assert.match(
    error(() => csv('town,weight\nBoston,1')),
    /x\.csv: expected a header/,
  )
  assert.match(
    error(() => csv('city\nBosten')),
    /x\.csv, line 2: .*Bosten.* \| did you mean Boston\?/,
  )
  assert.match(
    error(() => csv('place,lat,lon\na,95,0')),
    /x\.csv, line 2, lat: expected a number from -90 to 90, got "95"/,
  )
  assert.match(
    error(() => csv('place,lat,lon\na,,0')),
    /lat: expected a number/,
  )
  assert.match(
    error(() => csv('place,lat,lon')),
    /x\.csv: expected/,
  )
  assert.match(
    error(() => csv('city,weight\nBoston,0')),
    /every weight is 0/,
  )
  assert.match(
    error(() => csv('city\nBoston\nBoston')),
    /Boston, MA is a duplicate of line 2/,
  )
})

test('all problems of a CSV file are reported at once, with a remedy', () => {
  assert.equal(
    error(() => csv('place,lat,lon\na,95,0\nb,1,2\nb,3,4\nc,1,x')),
    [
      'usage_places x.csv',
      '  line 2, lat: expected a number from -90 to 90, got "95"',
      '  line 4: b is a duplicate of line 3',
      '  line 5, lon: expected a number from -180 to 180, got "x" | merge them, or give them different names',
    ].join('\n'),
  )
  assert.match(
    error(() => csv('place,lat,lon\na,95,0')),
    / \| write a header .* and one line per place, such as/,
  )
})

test('semicolons and tabs separate cells as well, as in a file of round trips', () => {
  for (const separator of [';', '\t'])
    assert.deepEqual(csv('place,lat,lon\n"a; b",1,2'.replaceAll(',', separator))[0]?.location, {
      lat: 1,
      lon: 2,
    })
})

test('a CSV file lists cities, or its own places with weights', () => {
  assert.deepEqual(
    csv('city,weight\r\nBoston,2\n# a comment\n\n"Portland:ME",1\n').map(({ name, weight }) => [
      name,
      weight,
    ]),
    [
      ['Boston, MA', 2],
      ['Portland, ME', 1],
    ],
  )
  const own = csv('\uFEFFplace,lat,lon,weight\n"Head office, ""north""",52.5,13.4,3\nPlant,48,11,1')
  assert.deepEqual(
    own.map(({ name, area, weight, city }) => [name, area, weight, city]),
    [
      ['Head office, "north"', 'Europe', 3, 2 ** 15 - 1],
      ['Plant', 'Europe', 1, 2 ** 15 - 2],
    ],
  )
})

test('a run draws its places by population, determined by the seed', () => {
  const us = parsePlaces('us', cities)
  const drawn = drawPlaces(us, 1)
  assert.deepEqual(drawn, drawPlaces(us, 1))
  assert.equal(
    drawn.reduce((sum, { weight }) => sum + weight, 0),
    mostPlaces,
  )
  // New York has 3.8 % of them, so 38 of 1,000 draws; five standard deviations are 30.
  const newYork = drawn.find(({ name }) => name === 'New York City, NY')!.weight
  assert.ok(newYork > 8 && newYork < 68, `${newYork}`)
  const share = (places: typeof us) => {
    const sum = (some: typeof us) => some.reduce((all, { weight }) => all + weight, 0)
    return sum(places.filter(({ area }) => area === 'US West')) / sum(places)
  }
  assert.ok(Math.abs(share(drawn) - share(us)) < 0.07)
  assert.deepEqual(drawPlaces(us.slice(0, 5), 1), us.slice(0, 5))
})

const prefix = (text: string, lat: number, lon: number) => ({ ...parsePrefix(text)!, location: { lat, lon } })

test('users of a city have its networks in proportion to their sizes, as /24s', () => {
  const tree = placeTree(4, [
    prefix('8.0.0.0/22', 40, -74),
    prefix('9.0.0.0/24', 40.1, -74.1),
    prefix('9.0.1.0/26', 40, -74),
    prefix('11.0.0.0/16', 41.5, -74),
    prefix('10.0.0.0/8', 40, -74),
  ])
  const index = prefixIndex(tree)
  const [inCity, between, atSea] = prefixesNear(index, [
    { lat: 40, lon: -74 },
    { lat: 42, lon: -74 },
    { lat: 0, lon: 0 },
  ])
  const drawn = (draw: typeof inCity) => {
    const random = seeded(1, 'x')
    return Array.from({ length: 500 }, () => formatPrefix(draw!(random)))
  }
  const counts = Map.groupBy(drawn(inCity), (text) => text)
  assert.deepEqual(
    [...counts.keys()].sort(),
    ['8.0.0.0/24', '8.0.1.0/24', '8.0.2.0/24', '8.0.3.0/24', '9.0.0.0/24'],
    'no private network, none longer than /24',
  )
  for (const [text, list] of counts) assert.ok(list.length > 60, `${text}: ${list.length} of 500`)
  assert.ok(
    drawn(between).every((text) => text.startsWith('11.0.')),
    'the nearest if none is near',
  )
  assert.equal(atSea, undefined)
})

test('a network of which only the country is known belongs to no city, even to the one in the country’s middle', () => {
  const middle = { lat: 51.5, lon: -0.12, country: 'GB', precision: 'country' } as const
  const index = prefixIndex(
    placeTree(4, [
      { ...prefix('8.0.0.0/8', 0, 0), location: middle },
      { ...prefix('9.0.0.0/24', 0, 0), location: { ...middle, precision: 'city' } },
    ]),
  )
  assert.deepEqual(
    index.flatMap(({ prefixes }) => prefixes),
    [[0x09000000, 24]],
  )
})

test('networks drawn for a city are in that city according to the database', async () => {
  const [tree] = await loadPlaces([cityDatabases.files[0]!])
  const index = prefixIndex(tree!)
  const wanted = parsePlaces('New York,Los Angeles,Denver,Honolulu,London,Tokyo,Nadi:FJ,Anadyr', cities)
  const draws = prefixesNear(
    index,
    wanted.map(({ location }) => location),
  )
  const locationOf = ({ high }: { high: number }) => {
    let record = tree!.root
    for (let bit = 31; tree!.placeAt(record) === -2; bit--) {
      record = (high >>> bit) & 1 ? tree!.right(record) : tree!.left(record)
    }
    return tree!.locations[tree!.placeAt(record)]!
  }
  for (const [i, place] of wanted.entries()) {
    const random = seeded(2, place.name)
    for (let n = 0; n < 50; n++) {
      const drawn = draws[i]!(random)
      const km = distanceKm(locationOf(drawn), place.location)
      assert.ok(km <= nearKm, `${place.name}: ${formatPrefix(drawn)} is ${km} km away`)
    }
  }
  const us = parsePlaces('us', cities)
  const found = prefixesNear(
    index,
    us.map(({ location }) => location),
  )
  assert.ok(found.filter(Boolean).length / us.length > 0.99)
})
