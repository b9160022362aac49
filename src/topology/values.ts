import { durationMs, share } from '../lib/quantities.ts'
import type { Key } from './problems.ts'
import type { Node } from './walk.ts'

/** Remedies for a value of the wrong type, unit or range, derived from the schema's node. Pure. */

const numberWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const anyDuration = durationMs({ example: '15s' })
const percentage = share({ example: '95%' })

const truths = new Map<unknown, boolean>([
  ...['true', 'yes', 'on', '1', 1].map((text) => [text, true] as const),
  ...['false', 'no', 'off', '0', 0].map((text) => [text, false] as const),
])

/** The number that a text means, in the unit that the key's name carries; undefined when it means none. */
function numberIn(text: string, at: readonly Key[]): { value: number; unit?: string } | undefined {
  const plain = text.trim().replaceAll('_', '')
  if (plain !== '' && Number.isFinite(Number(plain))) return { value: Number(plain) }
  if (/^-?\d+,\d{1,2}$|^-?\d+,\d{4,}$/.test(plain)) return { value: Number(plain.replace(',', '.')) }
  const word = numberWords.indexOf(plain.toLowerCase())
  if (word !== -1) return { value: word }
  const keys = at.map(String)
  const isIn = (suffix: string) => keys.some((key) => key.endsWith(suffix))
  if (isIn('Seconds') || isIn('Ms')) {
    const ms = anyDuration.parse(plain.replace(/\s*(?:seconds?|secs?)$/i, 's'))
    if (ms === undefined) return undefined
    return isIn('Ms') ? { value: ms, unit: 'milliseconds' } : { value: ms / 1000, unit: 'seconds' }
  }
  if (keys.at(-1) === 'share' && plain.endsWith('%')) {
    const value = percentage.parse(plain)
    return value === undefined ? undefined : { value }
  }
  const degrees = /^(-?\d+(?:\.\d+)?)\s*°?\s*([NSEW])?$/i.exec(plain)
  if ((keys.at(-1) === 'lat' || keys.at(-1) === 'lon') && degrees)
    return { value: Number(degrees[1]) * (/[SW]/i.test(degrees[2] ?? '') ? -1 : 1), unit: 'degrees' }
  return undefined
}

const fits = (value: number, { type, minimum, maximum, exclusiveMinimum }: Node) =>
  (type !== 'integer' || Number.isInteger(value)) &&
  (minimum === undefined || value >= minimum) &&
  (maximum === undefined || value <= maximum) &&
  (exclusiveMinimum === undefined || value > exclusiveMinimum)

function numeric(value: unknown, at: readonly Key[], node: Node): string | undefined {
  if (typeof value === 'string') {
    const meant = numberIn(value, at)
    if (meant === undefined || !fits(meant.value, node)) return undefined
    if (meant.unit) return `did you mean ${meant.value}? The number is in ${meant.unit}`
    return String(meant.value) === value.trim() ? 'write it without quotes' : `did you mean ${meant.value}?`
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  const { minimum, maximum } = node
  const key = String(at.at(-1))
  if (key === 'share' && value >= 10 && fits(value / 100, node)) return `did you mean ${value / 100}?`
  if (key.endsWith('Seconds') && value >= 1000 && fits(value / 1000, node))
    return `did you mean ${value / 1000}? The number is in seconds`
  if (key.endsWith('Ms') && value > 0 && minimum !== undefined && value < minimum && fits(value * 1000, node))
    return `did you mean ${value * 1000}? The number is in milliseconds`
  if (minimum !== undefined && value < minimum) return `the lowest value is ${minimum}`
  if (maximum !== undefined && value > maximum) return `the highest value is ${maximum}`
  return fits(Math.round(value), node) ? `did you mean ${Math.round(value)}?` : undefined
}

function ipv4(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const [, host = ''] = /^\s*(?:[a-z+]+:\/\/)?(\d+(?:\.\d+){3})(?:[:/].*)?\s*$/i.exec(value) ?? []
  const octets = host.split('.').map((part) => String(Number(part)))
  if (host !== '') {
    if (octets.some((octet) => Number(octet) > 255)) return 'each of the four numbers is from 0 to 255'
    return `write "${octets.join('.')}"`
  }
  if (/^[\da-f:.]*:[\da-f:.]*$/i.test(value))
    return 'write the IPv4 address of the host: regions have no IPv6'
  return 'write the IPv4 address of the host, four numbers from 0 to 255; names are not resolved'
}

/** What to write instead of a value of the wrong type, unit or range; undefined when the schema does not tell. */
export function valueRemedy(value: unknown, at: readonly Key[], node: Node): string | undefined {
  if (node.format === 'ipv4') return ipv4(value)
  if (node.type === 'integer' || node.type === 'number') return numeric(value, at, node)
  if (node.type === 'boolean') {
    const meant = truths.get(typeof value === 'string' ? value.trim().toLowerCase() : value)
    if (meant === undefined) return undefined
    return String(meant) === value ? 'write it without quotes' : `write ${meant}`
  }
  if (node.type === 'string' && !node.enum && (typeof value === 'number' || typeof value === 'boolean'))
    return `put it in quotes: "${value}"`
  if (node.type === 'array' && (typeof value === 'string' || typeof value === 'number'))
    return `write [${JSON.stringify(String(value))}]`
  return undefined
}

/** The remedy that always holds for a key that may be absent; undefined where the expectation lists what is accepted. */
export function defaultRemedy(node: Node): string | undefined {
  if (node.enum || node.type === 'object') return undefined
  return node.default === undefined
    ? 'remove the key, which is optional'
    : `remove the key to use its default, ${JSON.stringify(node.default)}`
}
