import { areaOf } from '../../../geo/areas.ts'
import type { City } from '../../../geo/cities.ts'
import type { Location } from '../../../geo/distance.ts'
import { didYouMean } from '../../../lib/did-you-mean.ts'
import { NearsideError } from '../../../lib/errors.ts'

/** A place where users live. */
export type UserPlace = {
  /** Number of its network, see `cityNetwork`; unique, and the same for a city in every run. */
  city: number
  /** `Boston, MA`, `Paris, FR`. */
  name: string
  area: string
  location: Location
  /** Its share of all users, in any unit. */
  weight: number
}

export const placeSets = ['us', 'europe', 'world'] as const

/** Maximum number of cities per run, which keeps links and reports small. */
export const mostPlaces = 1000

export const placeOf = (city: City, weight: number): UserPlace => ({
  city: city.rank,
  name: `${city.name}, ${city.country === 'US' ? city.admin : city.country}`,
  area: areaOf(city),
  location: city.location,
  weight,
})

const plain = (name: string) =>
  name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

export function cityNamed(text: string, cities: readonly City[], where = 'places'): City {
  const [name = '', within] = text.split(':').map((word) => word.trim())
  const wanted = [plain(name), `${plain(name)} city`]
  const called = cities.filter((city) => wanted.includes(plain(city.name)))
  const found = called.find(
    ({ country, admin }) => within === undefined || [country, admin].includes(within.toUpperCase()),
  )
  if (found) return found
  if (called.length > 0) {
    const known = called
      .slice(0, 5)
      .map((city) => `${city.name}:${city.country === 'US' ? city.admin : city.country}`)
    throw wrong(`${where}: no city ${name} in ${within}`, `known are ${known.join(', ')}`)
  }
  // Only large cities are compared: typos in village names are unlikely, and 30,000 comparisons are slow.
  const known = [...placeSets, ...cities.slice(0, 8000).map((city) => city.name)]
  throw wrong(
    `${where}: expected ${placeSets.join(', ')}, a city or a CSV file, got ${JSON.stringify(text)}`,
    didYouMean(name, known) ?? 'use English names of cities with at least 10,000 people',
  )
}

export function wrong(message: string, remedy?: string): NearsideError {
  return new NearsideError('usage_places', message, remedy === undefined ? {} : { remedy })
}
