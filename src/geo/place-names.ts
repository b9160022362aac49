import type { Place } from './place-tree.ts'

/** Reads the names that a record has for its place: nested as MaxMind and DB-IP have them, or flat. */

/** ISO 3166-1 code of the record's country. */
export function countryIn(data: unknown): string | undefined {
  if (!isRecord(data)) return undefined
  const { country, country_code: code } = data
  const found = isRecord(country) ? country.iso_code : (code ?? country)
  return typeof found === 'string' && /^[A-Z]{2}$/.test(found) ? found : undefined
}

export function namesCity(data: unknown): boolean {
  return isRecord(data) && isNamed(data.city)
}

/** A record that names its country and nothing within it has the coordinates of the country's middle. */
export function precisionOf(data: unknown): NonNullable<Place['precision']> {
  if (!isRecord(data) || countryIn(data) === undefined || isNamed(data.city) || isNamed(data.postal))
    return 'city'
  return areaFields.some((field) => isNamed(data[field])) ? 'area' : 'country'
}

const areaFields = ['subdivisions', 'state1', 'state2', 'region', 'region_name', 'state', 'postcode']

/** Databases write an unknown name as a missing field, an empty one, or a dash. */
function isNamed(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '' && value !== '-'
  if (Array.isArray(value)) return value.some(isNamed)
  return isRecord(value) && Object.values(isRecord(value.names) ? value.names : value).some(isNamed)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
