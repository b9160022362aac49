import { areaOf } from '../../../geo/areas.ts'
import type { City } from '../../../geo/cities.ts'
import { distanceKm, type Location } from '../../../geo/distance.ts'
import { NearsideError } from '../../../lib/errors.ts'
import { cityNamed, mostPlaces, placeOf, type UserPlace, wrong } from './place.ts'

/** Numbers from here downwards are for places that are no city of the list. */
const lastNumber = 2 ** 15 - 1

export type PlacesFile = { name: string; text: string }

/** The places of a CSV file. Everything that is wrong with its lines is told together, as of measured round trips. */
export function fromCsv({ name, text }: PlacesFile, cities: readonly City[]): UserPlace[] {
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
  const seen = new Map<string, number>()
  const placeIn = (line: number, cells: readonly string[], index: number): UserPlace => {
    const where = `line ${line}`
    const cell = (column: string) => cells[columns.indexOf(column)] ?? ''
    const number = (column: string, low: number, high: number) => {
      const value = cell(column) === '' ? Number.NaN : Number(cell(column))
      if (value >= low && value <= high) return value
      throw wrong(
        `${where}, ${column}: expected a number from ${low} to ${high}, got ${JSON.stringify(cell(column))}`,
      )
    }
    const once = (place: UserPlace) => {
      const earlier = seen.get(place.name)
      if (earlier !== undefined)
        throw wrong(
          `${where}: ${place.name} occurs twice, in line ${earlier} already`,
          'add their weights, or give them two names',
        )
      seen.set(place.name, line)
      return place
    }
    const weight = columns.includes('weight') ? number('weight', 0, 1e12) : undefined
    if (byCity) {
      const city = cityNamed(cell('city'), cities, where)
      return once(placeOf(city, weight ?? city.population))
    }
    const location = { lat: number('lat', -90, 90), lon: number('lon', -180, 180) }
    const nearest = nearestCity(location, cities)
    const area = cell('area') || (nearest ? areaOf(nearest) : 'elsewhere')
    const own = { city: lastNumber - index, name: cell('place') || `line ${line}`, area, location }
    return once({ ...own, weight: weight ?? 1 })
  }
  const problems: NearsideError[] = []
  const places = body.flatMap(({ line, cells }, index): UserPlace[] => {
    try {
      return [placeIn(line, cells, index)]
    } catch (error) {
      if (!(error instanceof NearsideError)) throw error
      problems.push(error)
      return []
    }
  })
  if (problems.length > 0) throw together(name, problems)
  if (places.every(({ weight }) => weight === 0))
    throw wrong(`${name}: every weight is 0`, 'give one place a weight')
  return places.filter(({ weight }) => weight > 0)
}

function together(file: string, problems: readonly NearsideError[]): NearsideError {
  const remedy =
    problems.find((one) => one.remedy !== undefined)?.remedy ??
    'a line for each place, such as: Plant,48.1,11.6,1 below place,lat,lon,weight'
  const text = problems.map(({ message }) => message)
  return wrong(
    text.length === 1 ? `${file}, ${text[0]}` : [file, ...text.map((one) => `  ${one}`)].join('\n'),
    remedy,
  )
}

/** Commas, semicolons or tabs part cells; a cell in double quotes may have them in it, and "" for a quote. */
function cellsOf(line: string): string[] {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!
    if (character === '"' && quoted && line[at + 1] === '"') cell += line[++at]
    else if (character === '"') quoted = !quoted
    else if (',;\t'.includes(character) && !quoted) {
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
