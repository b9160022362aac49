import { areaOf, continentOf } from '../../../geo/areas.ts'
import type { City } from '../../../geo/cities.ts'
import type { Location } from '../../../geo/distance.ts'
import { NearsideError } from '../../../lib/errors.ts'
import { suggest } from '../../../lib/suggest.ts'
import { fromCsv, type PlacesFile } from './places-file.ts'
import { seeded, weighted } from './random.ts'

/** Where some of the users live. */
export type UserPlace = {
  /** Number of its network, see `cityNetwork`; unique, and the same for the same city in every run. */
  city: number
  /** `Boston, MA`, `Paris, FR`. */
  name: string
  area: string
  location: Location
  /** Its part of all users, in any unit. */
  weight: number
}

export const placeSets = ['us', 'europe', 'world'] as const
type PlaceSet = (typeof placeSets)[number]

const inSet: Record<PlaceSet, (city: City) => boolean> = {
  us: ({ country }) => country === 'US',
  europe: (city) => continentOf(city) === 'Europe',
  world: () => true,
}

/** A run keeps to this many cities, so that links and reports stay small. */
export const mostPlaces = 1000

/**
 * What `--places` means: sets and cities with commas between (`us`, `Boston,Denver`, `Portland:ME,Paris:FR`), or a CSV
 * file with the columns `place,lat,lon,weight` or `city,weight`. A city is the most populous of its name; `:` and a
 * country or state say which. Throws a NearsideError with what was probably meant.
 */
export function parsePlaces(text: string, cities: readonly City[], file?: PlacesFile): UserPlace[] {
  if (file) return fromCsv(file, cities)
  const places = new Map<number, UserPlace>()
  for (const part of text.split(',').map((word) => word.trim())) {
    const set = placeSets.find((name) => name === part.toLowerCase())
    const found = set ? cities.filter(inSet[set]) : [cityNamed(part, cities)]
    for (const city of found) places.set(city.rank, placeOf(city, city.population))
  }
  return [...places.values()]
}

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
    throw wrong(`${where}: there is no ${name} in ${within}`, `there is ${known.join(', ')}`)
  }
  // Nobody misspells a village's name here; and 30,000 comparisons take their time.
  const meant = suggest(name, [...placeSets, ...cities.slice(0, 8000).map((city) => city.name)])
  throw wrong(
    `${where}: expected ${placeSets.join(', ')}, a city or a CSV file, got ${JSON.stringify(text)}`,
    meant === undefined
      ? 'cities of 10,000 people and more are known, by their English names'
      : `did you mean ${meant}?`,
  )
}

export function wrong(message: string, remedy?: string): NearsideError {
  return new NearsideError('usage_places', message, remedy === undefined ? {} : { remedy })
}

/**
 * The places of one run: all of them, or `most` draws by weight when there are more. A place that is drawn twice has
 * the weight 2, so users are spread over the draw as they would be over everybody.
 */
export function drawPlaces(places: readonly UserPlace[], seed: number, most = mostPlaces): UserPlace[] {
  if (places.length <= most) return [...places]
  const random = seeded(seed, 'places')
  const draw = weighted(places, ({ weight }) => weight)
  const drawn = new Map<number, UserPlace>()
  for (let i = 0; i < most; i++) {
    const place = draw(random)
    drawn.set(place.city, { ...place, weight: (drawn.get(place.city)?.weight ?? 0) + 1 })
  }
  return [...drawn.values()].sort((a, b) => a.city - b.city)
}
