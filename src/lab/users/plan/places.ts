import { continentOf } from '../../../geo/areas.ts'
import type { City } from '../../../geo/cities.ts'
import { cityNamed, mostPlaces, placeOf, placeSets, type UserPlace } from './place.ts'
import { fromCsv, type PlacesFile } from './places-file.ts'
import { seeded, weighted } from './random.ts'

export type { UserPlace }

type PlaceSet = (typeof placeSets)[number]

const inSet: Record<PlaceSet, (city: City) => boolean> = {
  us: ({ country }) => country === 'US',
  europe: (city) => continentOf(city) === 'Europe',
  world: () => true,
}

/**
 * Parses `--places`: comma-separated sets and cities (`us`, `Boston,Denver`, `Portland:ME,Paris:FR`), or a CSV file
 * with the columns `place,lat,lon,weight` or `city,weight`. A name means its most populous city unless `:` and a
 * country or state follow. Throws a NearsideError with a suggestion.
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

/**
 * The places of one run: all of them, or `most` draws by weight if there are more. A place drawn twice gets weight 2,
 * so that the draw represents all places.
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
