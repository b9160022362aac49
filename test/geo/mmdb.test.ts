import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader } from 'mmdb-lib'
import { openMmdb } from '../../src/geo/mmdb.ts'
import { mmdbPlaces } from '../../src/geo/mmdb-places.ts'
import { type PlaceTree, walkPlaces } from '../../src/geo/place-tree.ts'
import { formatPrefix, type Prefix } from '../../src/geo/prefix.ts'
import { type MmdbEntry, type MmdbOptions, writeMmdb } from '../support/mmdb.ts'
import { arbitraryLocation, arbitraryPrefix } from '../support/places.ts'

const newYork = { city: 'New York', latitude: 40.7, longitude: -74.5 }
const losAngeles = { city: { names: { en: 'Los Angeles' } }, location: { latitude: 34.5, longitude: -118.2 } }

function placesIn(entries: MmdbEntry[], options: MmdbOptions = {}): PlaceTree[] {
  return mmdbPlaces(openMmdb(writeMmdb(entries, options), 'test.mmdb'))
}

/** The result of a walk as text, without unknown places. */
function walked(tree: PlaceTree, specials: Prefix[] = []): string[] {
  const found: string[] = []
  let position = 0n
  const bits = tree.family === 4 ? 32n : 128n
  walkPlaces(tree, specials, (length, place) => {
    const top = tree.family === 4 ? position << 32n : position >> 64n
    const start = { family: tree.family, high: Number(top >> 32n), low: Number(top & 0xffffffffn), length }
    const { lat, lon } = tree.locations[place] ?? {}
    if (place >= 0) found.push(`${formatPrefix(start)} ${lat} ${lon}`)
    position += 1n << (bits - BigInt(length))
  })
  assert.equal(position, 1n << bits, 'the walk must cover the whole space')
  return found
}

test('flat coordinates and MaxMind’s nested ones are both read', () => {
  const [tree] = placesIn([
    ['9.0.0.0/8', newYork],
    ['17.128.0.0/9', losAngeles],
  ])
  assert.deepEqual(walked(tree!), ['9.0.0.0/8 40.7 -74.5', '17.128.0.0/9 34.5 -118.2'])
})

test('a database for both address families gives one tree per family', () => {
  const trees = placesIn(
    [
      ['9.0.0.0/8', newYork],
      ['2600::/24', losAngeles],
    ],
    { ipVersion: 6 },
  )
  const byFamily = new Map(trees.map((tree) => [tree.family, walked(tree)]))
  assert.deepEqual(byFamily.get(4), ['9.0.0.0/8 40.7 -74.5'])
  assert.ok(byFamily.get(6)?.includes('2600::/24 34.5 -118.2'))
})

test('an entry without a city says how much it knows, in the fields of each publisher', () => {
  const at = { latitude: 37.75, longitude: -97.82 }
  const flat = (names: { [key: string]: string }) => ({
    ...at,
    country_code: 'US',
    state1: '',
    postcode: '',
    ...names,
  })
  const nested = (names: { [key: string]: { [key: string]: string | { [key: string]: string } } }) => ({
    location: at,
    country: { iso_code: 'US' },
    ...names,
  })
  const precisions = (entries: MmdbEntry[]) => {
    const [tree] = placesIn(entries)
    walked(tree!)
    return tree!.locations.map(({ country, precision }) => `${country} ${precision}`)
  }
  assert.deepEqual(
    precisions([
      ['9.0.0.0/8', flat({ city: 'Wichita' })],
      ['17.0.0.0/8', flat({ city: '', state1: 'Kansas' })],
      ['18.0.0.0/8', flat({ city: '' })],
      ['19.0.0.0/8', nested({ city: { names: { en: 'Wichita' } } })],
      ['20.0.0.0/8', nested({ registered_country: { iso_code: 'US' } })],
      ['21.0.0.0/8', { ...at, country: 'US', city: '-', region: '-' }],
    ]),
    ['US city', 'US area', 'US country'],
    'equal places are one',
  )
  const rare: MmdbEntry[] = [
    ['0.0.0.0/1', flat({ city: '' })],
    ['128.0.0.0/1', flat({ city: '' })],
    ['200.1.2.0/30', flat({ city: 'Wichita' })],
  ]
  assert.deepEqual(precisions(rare), ['US country', 'US city'], 'cities that a sample misses')
  assert.deepEqual(precisions([['9.0.0.0/8', flat({})]]), ['US city'], 'a database of coordinates only')
})

test('impossible coordinates and 0,0 count as an unknown place', () => {
  const [tree] = placesIn([
    ['9.0.0.0/8', newYork],
    ['10.0.0.0/8', { latitude: 0, longitude: 0 }],
    ['11.0.0.0/8', { latitude: 91.5, longitude: 3.5 }],
    ['12.0.0.0/8', { latitude: 'north', longitude: 3.5 }],
  ])
  assert.deepEqual(walked(tree!), ['9.0.0.0/8 40.7 -74.5'])
})

const makers: [name: string, data: MmdbEntry[1]][] = [
  ['MaxMind and DB-IP: numbers in location', { location: { latitude: 40.7, longitude: -74.5 } }],
  ['ip-location-db: numbers at the top', { latitude: 40.7, longitude: -74.5 }],
  ['strings', { latitude: '40.7', longitude: '-74.5' }],
  ['strings in location', { location: { latitude: '40.70', longitude: '-74.5' } }],
  ['IPinfo: lat and lng as strings, country beside them', { country: 'US', lat: '40.7', lng: '-74.5' }],
  ['lat and lon', { country_code: 'US', lat: 40.7, lon: -74.5 }],
  ['IPinfo: both in loc', { country: 'US', city: 'New York', loc: '40.7,-74.5' }],
  ['both in location, with a space', { location: '40.7, -74.5' }],
]
for (const [name, data] of makers)
  test(`coordinates of ${name} are read`, () => {
    assert.deepEqual(walked(placesIn([['9.0.0.0/8', data]])[0]!), ['9.0.0.0/8 40.7 -74.5'])
  })

test('a database whose lower half has no coordinates is read', () => {
  const without = Array.from({ length: 3000 }, (_, index): MmdbEntry => {
    return [`${1 + (index >> 8)}.${index & 255}.0.0/16`, { country_code: 'US', asn: index }]
  })
  const [tree] = placesIn([...without, ['217.7.0.0/16', { country_code: 'US', ...newYork }]])
  assert.deepEqual(walked(tree!), ['217.7.0.0/16 40.7 -74.5'])
})

for (const recordSize of [24, 28, 32] as const) {
  for (const family of [4, 6] as const) {
    test(`records of ${recordSize} bits, IPv${family}: read as MaxMind’s own reader reads them`, () => {
      const entry = fc.tuple(arbitraryPrefix(family, family === 4 ? 32 : 64), arbitraryLocation())
      fc.assert(
        fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (pairs) => {
          const entries = pairs
            .filter(([prefix]) => prefix.length > 0)
            .sort(([a], [b]) => a.length - b.length)
            .map(([prefix, at]): MmdbEntry => {
              return [formatPrefix(prefix), { latitude: at.lat + 0.5, longitude: at.lon + 0.5 }]
            })
          fc.pre(entries.length > 0)
          const bytes = writeMmdb(entries, { recordSize, ipVersion: family })
          const tree = mmdbPlaces(openMmdb(bytes, 'test.mmdb')).find(
            (candidate) => candidate.family === family,
          )!
          const reader = new Reader<never>(bytes)
          for (const line of walked(tree)) {
            const [prefix, lat, lon] = line.split(' ')
            const record = reader.get(prefix!.split('/')[0]!) as {
              latitude: number
              longitude: number
            } | null
            assert.deepEqual([record?.latitude, record?.longitude], [Number(lat), Number(lon)], line)
          }
          for (const [prefix] of entries) {
            const known = reader.get(prefix.split('/')[0]!)
            assert.ok(known !== null)
          }
        }),
        { numRuns: 50 },
      )
    })
  }
}

const refused: { title: string; code: string; bytes: () => Buffer }[] = [
  { title: 'an empty file', code: 'geoip_empty', bytes: () => Buffer.alloc(0) },
  {
    title: 'text',
    code: 'geoip_not_mmdb',
    bytes: () => Buffer.from('network,latitude,longitude\n'.repeat(99)),
  },
  { title: 'zeros', code: 'geoip_not_mmdb', bytes: () => Buffer.alloc(100_000) },
  {
    title: 'a truncated file',
    code: 'geoip_not_mmdb',
    bytes: () => writeMmdb([['9.0.0.0/8', newYork]]).subarray(0, -40),
  },
  {
    title: 'a file with its middle missing',
    code: 'geoip_damaged',
    bytes: () => {
      const whole = writeMmdb([['9.9.9.0/24', newYork]])
      return Buffer.concat([
        whole.subarray(0, 40),
        whole.subarray(whole.lastIndexOf('\xab\xcd\xefMaxMind', undefined, 'latin1')),
      ])
    },
  },
  {
    title: 'coordinates that are no decimal degrees, beside a country',
    code: 'geoip_coordinates',
    bytes: () => writeMmdb([['9.0.0.0/8', { country_code: 'US', lat: '40°42′N', lng: '74°W' }]]),
  },
  {
    title: 'a country-level database',
    code: 'geoip_country_level',
    bytes: () => writeMmdb([['9.0.0.0/8', { country_code: 'US' }]], { databaseType: 'geolite2 ipv4' }),
  },
  {
    title: 'a country-level database from MaxMind',
    code: 'geoip_country_level',
    bytes: () =>
      writeMmdb([['9.0.0.0/8', { country: { iso_code: 'US' } }]], { databaseType: 'GeoLite2-Country' }),
  },
  {
    title: 'a database of network operators',
    code: 'geoip_no_locations',
    bytes: () => writeMmdb([['9.0.0.0/8', { autonomous_system_number: 19281 }]], { databaseType: 'ASN' }),
  },
]

for (const { title, code, bytes } of refused) {
  test(`${title} is refused, with the file’s name and a remedy`, () => {
    assert.throws(
      () => mmdbPlaces(openMmdb(bytes(), '/data/places.mmdb')),
      (error: { code?: string; message: string; remedy?: string }) => {
        assert.equal(error.code, code, error.message)
        assert.match(error.message, /places\.mmdb/)
        assert.ok(error.remedy)
        return true
      },
    )
  })
}

test('a damaged database gives an error or places, never an endless loop', () => {
  const sound = writeMmdb([
    ['9.0.0.0/8', newYork],
    ['17.128.0.0/9', losAngeles],
  ])
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (damage) => {
        const bytes = Buffer.from(sound)
        for (const [at, value] of damage) bytes[at] = value
        try {
          for (const tree of mmdbPlaces(openMmdb(bytes, 'damaged.mmdb'))) walkPlaces(tree, [], () => {})
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a special prefix is visited in one piece, even if the database subdivides it', () => {
  const visited: [number, number][] = []
  const [tree] = placesIn([
    ['0.0.0.0/1', newYork],
    ['10.1.0.0/16', losAngeles],
  ])
  const ten: Prefix = { family: 4, high: 0x0a000000, low: 0, length: 8 }
  let position = 0
  walkPlaces(tree!, [ten], (length, place) => {
    if (place === -3) visited.push([position, length])
    position += 2 ** (32 - length)
  })
  assert.deepEqual(visited, [[0x0a000000, 8]])
})
