import type { Location } from './distance.ts'

/**
 * Reads a record's coordinates, as the makers of databases write them: nested in `location` (MaxMind, DB-IP) or flat,
 * as numbers or strings, under their short or long names (`lat`, `lng`, `lon`, IPinfo), or both in one string
 * (`loc: "40.7,-74.0"`). Several databases use 0,0 for "unknown".
 */
export function coordinatesIn(data: unknown): Location | undefined {
  for (const found of candidates(data)) {
    const [lat, lon] = found.map(numberOf)
    if (lat === undefined || lon === undefined || (lat === 0 && lon === 0)) continue
    if (Math.abs(lat) <= 90 && Math.abs(lon) <= 180) return { lat, lon }
  }
  return undefined
}

/** Values in a record that look like coordinates and cannot be read as such, for an error message. */
export function unreadableCoordinates(data: unknown): string | undefined {
  if (coordinatesIn(data)) return undefined
  for (const pair of candidates(data)) {
    const isEmpty = pair.every((value) => value === undefined || value === '' || value === null)
    const isUnknown = pair.every((value) => numberOf(value) === 0)
    if (!isEmpty && !isUnknown) return pair.map((value) => JSON.stringify(value) ?? 'nothing').join(' and ')
  }
  return undefined
}

const latitudes = ['latitude', 'lat']
const longitudes = ['longitude', 'lon', 'lng', 'long']
const pairs = ['loc', 'location', 'coordinates', 'latlng', 'geo']

function candidates(data: unknown): [unknown, unknown][] {
  if (!isRecord(data)) return []
  const places = [data.location, data.coordinates, data.geo, data].filter(isRecord)
  const separate = places.flatMap((place): [unknown, unknown][] => {
    const lat = latitudes.map((name) => place[name]).find((value) => value !== undefined)
    const lon = longitudes.map((name) => place[name]).find((value) => value !== undefined)
    return lat === undefined && lon === undefined ? [] : [[lat, lon]]
  })
  const together = pairs.flatMap((name): [unknown, unknown][] => {
    const value = data[name]
    if (typeof value !== 'string' || !/\d\s*[,; ]\s*[-+]?\d/.test(value)) return []
    const [lat, lon] = value.trim().split(/\s*[,; ]\s*/)
    return [[lat, lon]]
  })
  return [...separate, ...together]
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || !/^\s*[-+]?\d+(\.\d+)?\s*$/.test(value)) return undefined
  return Number(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
