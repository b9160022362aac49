import type { Location } from '../../src/geo/distance.ts'
import { NearsideError } from '../../src/lib/errors.ts'
import type { Measured } from './line.ts'

/** A file's name and content. */
export type DataFile = { name: string; text: string }

/**
 * Measured round trips from files, in any of three formats:
 * - JSON `[{ "region": "a", "lat": 1, "lon": 2, "rttMs": { "b": 12.5 } }]`;
 * - CSV with the columns `from_lat,from_lon,to_lat,to_lon,rtt_ms`;
 * - a CSV matrix (first row and column are names, cells are ms, empty cells unknown) with a JSON file
 *   `{ "name": { "lat": 1, "lon": 2 } }`. Names match without case, spaces and punctuation.
 *
 * Omits a place's round trip to itself, which measures the instrument. Throws a NearsideError that names the file.
 */
export function measuredRoundTrips(files: readonly DataFile[]): Measured[] {
  const places = new Map<string, Location>()
  const found: Measured[] = []
  const tables: { name: string; rows: string[][] }[] = []
  for (const { name, text } of files) {
    if (!name.endsWith('.json')) {
      tables.push({ name, rows: csvRows(text) })
      continue
    }
    const data: unknown = parseJson(name, text)
    if (Array.isArray(data)) found.push(...fromList(name, data))
    else for (const [place, at] of Object.entries(data as object)) places.set(key(place), location(name, at))
  }
  for (const { name, rows } of tables) {
    found.push(
      ...(rows[0]?.join() === 'from_lat,from_lon,to_lat,to_lon,rtt_ms'
        ? flat(name, rows)
        : matrix(name, rows, places)),
    )
  }
  return found
}

function fromList(name: string, list: readonly unknown[]): Measured[] {
  const entries = list.map((item) => {
    const { region, rttMs } = (item ?? {}) as { region?: unknown; rttMs?: unknown }
    if (typeof region !== 'string' || typeof rttMs !== 'object' || rttMs === null) {
      throw unusable(name, 'expected "region" and "rttMs" in every entry')
    }
    return { region, at: location(name, item), rttMs: Object.entries(rttMs) }
  })
  const places = new Map(entries.map(({ region, at }) => [region, at]))
  return entries.flatMap(({ region, at, rttMs }) =>
    rttMs.flatMap(([other, ms]): Measured[] => {
      const to = places.get(other)
      return to && other !== region && ms > 0 ? [{ from: at, to, rttMs: ms }] : []
    }),
  )
}

function flat(name: string, rows: readonly string[][]): Measured[] {
  return rows.slice(1).map((row, index) => {
    const [fromLat, fromLon, toLat, toLon, rttMs] = row.map(Number)
    const numbers = [fromLat, fromLon, toLat, toLon, rttMs]
    if (numbers.some((number) => number === undefined || !Number.isFinite(number)) || rttMs! <= 0) {
      throw unusable(name, `line ${index + 2}: expected five numbers`)
    }
    return { from: { lat: fromLat!, lon: fromLon! }, to: { lat: toLat!, lon: toLon! }, rttMs: rttMs! }
  })
}

function matrix(name: string, rows: readonly string[][], places: ReadonlyMap<string, Location>): Measured[] {
  const [head = [], ...body] = rows
  const at = (place: string): Location => {
    const known = places.get(key(place))
    if (!known) throw unusable(name, `no JSON file has the coordinates of "${place}"`)
    return known
  }
  return body.flatMap(([from = '', ...cells]) =>
    cells.flatMap((cell, column): Measured[] => {
      const [to, ms] = [head[column + 1] ?? '', Number.parseFloat(cell)]
      return key(from) !== key(to) && ms > 0 ? [{ from: at(from), to: at(to), rttMs: ms }] : []
    }),
  )
}

function csvRows(text: string): string[][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()))
}

function parseJson(name: string, text: string): unknown {
  try {
    const data: unknown = JSON.parse(text)
    if (typeof data === 'object' && data !== null) return data
  } catch {
    // Reported below.
  }
  throw unusable(name, 'expected a JSON list or object')
}

function location(name: string, value: unknown): Location {
  const { lat, lon } = (value ?? {}) as { lat?: unknown; lon?: unknown }
  if (typeof lat !== 'number' || typeof lon !== 'number')
    throw unusable(name, 'expected "lat" and "lon" for every place')
  return { lat, lon }
}

function key(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

function unusable(name: string, what: string): NearsideError {
  return new NearsideError('rtt_data', `${name}: ${what}`, {
    remedy: 'see scripts/rtt/data.ts for the formats',
  })
}
