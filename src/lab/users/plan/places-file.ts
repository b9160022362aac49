import { areaOf } from '../../../geo/areas.ts'
import type { City } from '../../../geo/cities.ts'
import { distanceKm, type Location } from '../../../geo/distance.ts'
import { NearsideError } from '../../../lib/errors.ts'
import { cityNamed, mostPlaces, placeOf, type UserPlace, wrong } from './place.ts'

/** Places that are not in the list of cities are numbered downwards from here. */
const lastNumber = 2 ** 15 - 1

export type PlacesFile = { name: string; text: string }

/** The places of a CSV file. Reports all problems of its lines at once. */
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
      `${name}: expected a header "place,lat,lon,weight" or "city,weight" and one line per place`,
      missing.length > 0 ? `add the column ${missing.join(' and ')}` : 'add places',
    )
  }
  if (body.length > mostPlaces)
    throw wrong(
      `${name}: expected at most ${mostPlaces} places, got ${body.length}`,
      'remove the smallest ones',
    )
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
          `${where}: ${place.name} is a duplicate of line ${earlier}`,
          'merge them, or give them different names',
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
    throw wrong(`${name}: every weight is 0`, 'give at least one place a weight')
  return places.filter(({ weight }) => weight > 0)
}

function together(file: string, problems: readonly NearsideError[]): NearsideError {
  const remedy =
    problems.find((one) => one.remedy !== undefined)?.remedy ??
    'write a header place,lat,lon,weight and one line per place, such as: Plant,48.1,11.6,1'
  const text = problems.map(({ message }) => message)
  return wrong(
    text.length === 1 ? `${file}, ${text[0]}` : [file, ...text.map((one) => `  ${one}`)].join('\n'),
    remedy,
  )
}

/** Cells are separated by commas, semicolons or tabs; a double-quoted cell may contain them, and "" for a quote. */
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
