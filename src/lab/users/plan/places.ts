import { areaOf, continentOf } from '../../../geo/areas.ts'
import type { City } from '../../../geo/cities.ts'
import { distanceKm, type Location } from '../../../geo/distance.ts'
import { NearsideError } from '../../../lib/errors.ts'
import { suggest } from '../../../lib/suggest.ts'
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

/** Numbers from here downwards are for places that are no city of the list. */
const lastNumber = 2 ** 15 - 1

export type PlacesFile = { name: string; text: string }

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

const placeOf = (city: City, weight: number): UserPlace => ({
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

function cityNamed(text: string, cities: readonly City[], where = 'places'): City {
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

function fromCsv({ name, text }: PlacesFile, cities: readonly City[]): UserPlace[] {
  const rows = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, index) => ({ line: index + 1, cells: cellsOf(line) }))
    .filter(({ cells }) => cells.some((cell) => cell !== '') && !cells[0]!.startsWith('#'))
  const [head, ...body] = rows
  const columns = head?.cells.map((cell) => cell.toLowerCase()) ?? []
  const byCity = columns.includes('city')
  const needed = byCity ? ['city'] : ['place', 'lat', 'lon']
  const missing = needed.filter((column) => !columns.includes(column))
  if (missing.length > 0 || body.length === 0) {
    throw wrong(
      `${name}: expected a first line "place,lat,lon,weight" or "city,weight" and a line for each place`,
      missing.length > 0 ? `there is no column ${missing.join(' and ')}` : 'add places',
    )
  }
  if (body.length > mostPlaces)
    throw wrong(`${name}: ${body.length} places; at most ${mostPlaces} are taken`, 'leave the smallest out')
  const places = body.map(({ line, cells }, index): UserPlace => {
    const where = `${name}, line ${line}`
    const cell = (column: string) => cells[columns.indexOf(column)] ?? ''
    const number = (column: string, low: number, high: number) => {
      const value = cell(column) === '' ? Number.NaN : Number(cell(column))
      if (value >= low && value <= high) return value
      throw wrong(
        `${where}, ${column}: expected a number from ${low} to ${high}, got ${JSON.stringify(cell(column))}`,
      )
    }
    const weight = columns.includes('weight') ? number('weight', 0, 1e12) : undefined
    if (byCity) {
      const city = cityNamed(cell('city'), cities, where)
      return placeOf(city, weight ?? city.population)
    }
    const location = { lat: number('lat', -90, 90), lon: number('lon', -180, 180) }
    const nearest = nearestCity(location, cities)
    const area = cell('area') || (nearest ? areaOf(nearest) : 'elsewhere')
    return {
      city: lastNumber - index,
      name: cell('place') || `line ${line}`,
      area,
      location,
      weight: weight ?? 1,
    }
  })
  if (places.every(({ weight }) => weight === 0))
    throw wrong(`${name}: every weight is 0`, 'give one place a weight')
  const twice = places.find((place, index) => places.findIndex(({ city }) => city === place.city) !== index)
  if (twice) throw wrong(`${name}: ${twice.name} occurs twice`, 'add their weights')
  return places.filter(({ weight }) => weight > 0)
}

/** Commas part cells; a cell in double quotes may have commas in it, and "" for a quote. */
function cellsOf(line: string): string[] {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!
    if (character === '"' && quoted && line[at + 1] === '"') cell += line[++at]
    else if (character === '"') quoted = !quoted
    else if (character === ',' && !quoted) {
      cells.push(cell)
      cell = ''
    } else cell += character
  }
  cells.push(cell)
  return cells.map((cell) => cell.trim())
}

function nearestCity(location: Location, cities: readonly City[]): City | undefined {
  let best: { city: City; km: number } | undefined
  for (const city of cities) {
    const km = distanceKm(location, city.location)
    if (!best || km < best.km) best = { city, km }
  }
  return best?.city
}

function wrong(message: string, remedy?: string): NearsideError {
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
