import { NearsideError } from './errors.ts'

/**
 * The grammar of all quantities that users write: in a topology, an option or a mix of users. Bounds belong to the
 * caller.
 *
 *     duration      250ms  1.5s  5min  5m  2h        only 0 needs no unit
 *     size          256mb  1gb  4096b                powers of 1,024
 *     data rate     100mbit  512kbit/s  5000bit      powers of 1,000; `none` and 0 mean no limit
 *     share         1%  0.01
 *     frequency     20/s  90/min  20                 a bare number is per second
 *
 * A number is digits with an optional fraction after a point: no exponent, no thousands separator, no sign (but see
 * `offsetMs`). A unit may be in upper case and may follow a space.
 */
export type Quantity = {
  /** Names the kind in error codes: `usage_duration`. */
  kind: string
  /** Continues "expected …": `a time from 1s to 24h, such as 60s`. */
  expected: string
  /** The value in the constructor's unit; undefined if the text is invalid or out of bounds. */
  parse: (text: string) => number | undefined
  /** Completes a number without a unit, for “did you mean”. */
  unit?: string
  /** Exactly the texts that `parse` accepts, apart from the bounds; for JSON Schema, which has no flags. */
  pattern?: RegExp
}

/** In the unit of the quantity. `above` is exclusive, `least` and `most` are inclusive. */
type Bounds = { above?: number; least?: number; most?: number }
type Terms = Bounds & {
  /** As typed. */
  example: string
}

const unitMs = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }
const unitBytes = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }
const unitBits = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }
const shareUnits = { '': 1, '%': 0.01 }

/** At most 10^15 bytes, which a number holds exactly. Without flags: JSON Schema has none. */
const sizePattern =
  /^\s*([0-9]{1,15}\s*[bB]|[0-9]{1,12}\s*[kK][bB]|[0-9]{1,9}\s*[mM][bB]|[0-9]{1,6}\s*[gG][bB])\s*$/

const unitIn = (example: string) => /[a-z%]+/i.exec(example)?.[0]

export const durationMs = ({ example, ...bounds }: Terms): Quantity => ({
  kind: 'duration',
  expected: `a time${range(bounds, typedMs)} such as ${example}`,
  unit: unitIn(example),
  parse: (text) => within(bounds, isZero(text) ? 0 : scaled(text, unitMs)),
})

/** A signed duration: `30s` is ahead, `-30s` is behind. */
export const offsetMs = ({ example, most }: { example: string; most: number }): Quantity => {
  const magnitude = durationMs({ example, most })
  return {
    kind: 'offset',
    expected: `a time${range({ most }, typedMs)} with an optional minus, such as ${example}`,
    parse(text) {
      const back = text.trim().startsWith('-')
      const ms = magnitude.parse(back ? text.trim().slice(1) : text)
      return ms === undefined || ms === 0 ? ms : back ? -ms : ms
    },
  }
}

/** Whole numbers only, as in PostgreSQL and HAProxy: write `1536mb` for 1.5 GB. */
export const sizeBytes = ({ example, ...bounds }: Terms): Quantity => ({
  kind: 'size',
  expected: `a size${range(bounds, typedBytes)} such as ${example} (units b, kb, mb, gb)`,
  unit: unitIn(example),
  pattern: sizePattern,
  parse: (text) => (sizePattern.test(text) ? within(bounds, scaled(text, unitBytes)) : undefined),
})

/** 0 means no limit, regardless of the bounds. */
export const bitsPerSecond = ({ example, ...bounds }: Terms): Quantity => ({
  kind: 'data_rate',
  expected: `a data rate${range(bounds, typedBits)} such as ${example}, or none`,
  unit: unitIn(example),
  parse(text) {
    if (isZero(text) || text.trim().toLowerCase() === 'none') return 0
    const bits = scaled(text.replace(/\s*\/\s*s\s*$/i, ''), unitBits)
    return within(bounds, bits === undefined ? undefined : Math.round(bits))
  },
})

/** From 0 to 1. */
export const share = ({ example, above, least, most = 1 }: Terms): Quantity => ({
  kind: 'share',
  expected: `a share${range({ above, least, most }, typedShare)} such as ${example}`,
  unit: '%',
  parse: (text) => within({ above, least, most }, scaled(text, shareUnits)),
})

export const perSecond = ({ example, noun = 'number', ...bounds }: Terms & { noun?: string }): Quantity => ({
  kind: 'frequency',
  expected: `a ${noun} per second${range(bounds, String)} such as ${example}`,
  parse(text) {
    const [amount = '', unit = 's', ...more] = text.split('/')
    const eachMs = unitMs[unit.trim().toLowerCase() as keyof typeof unitMs]
    const count = scaled(amount, { '': 1000 })
    if (more.length > 0 || count === undefined || eachMs === undefined || eachMs === 1) return undefined
    return within(bounds, count / eachMs)
  },
})

/** Digits only. */
export const wholeNumber = ({
  example,
  noun = 'whole number',
  ...bounds
}: Terms & { noun?: string }): Quantity => ({
  kind: 'number',
  expected: `a ${noun}${range(bounds, String)} such as ${example}`,
  parse: (text) => (/^\d{1,15}$/.test(text.trim()) ? within(bounds, Number(text)) : undefined),
})

export const decimalNumber = ({ example, ...bounds }: Terms): Quantity => ({
  kind: 'number',
  expected: `a number${range(bounds, String)} such as ${example}`,
  parse: (text) => within(bounds, scaled(text, { '': 1 })),
})

/** Returns the value, or throws an error with the option or path, the expectation and the text. */
export function readQuantity(quantity: Quantity, where: string, text: string): number {
  const value = quantity.parse(text)
  if (value !== undefined) return value
  const got = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)
  throw new NearsideError(`usage_${quantity.kind}`, `${where}: expected ${quantity.expected}, got ${got}`, {
    remedy: likely(quantity, text),
  })
}

/** The quantity that was probably meant: a number without its unit, or with the unit spelt out. */
function likely(quantity: Quantity, text: string): string | undefined {
  const words = text
    .trim()
    .toLowerCase()
    .replace(/\s*(?:milliseconds?|msecs?)$/, 'ms')
    .replace(/\s*(?:seconds?|secs?)$/, 's')
    .replace(/\s*(?:minutes?|mins)$/, 'min')
    .replace(/\s*(?:hours?|hrs?)$/, 'h')
    .replace(',', '.')
  const meant = [words, `${words}${quantity.unit ?? ''}`].find((one) => quantity.parse(one) !== undefined)
  return meant === undefined ? undefined : `did you mean ${meant}?`
}

/** A number and one of these units, in the base unit. */
function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([a-z%]*)$/i.exec(text.trim()) ?? []
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()]! : undefined
  return number === undefined || factor === undefined ? undefined : exact(Number(number) * factor)
}

/** Removes rounding errors of binary fractions: 1.005 s are 1005 ms, 7 % are 0.07. */
const exact = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(15)))

const isZero = (text: string) => /^0+(\.0+)?$/.test(text.trim())

function within({ above, least, most }: Bounds, value: number | undefined): number | undefined {
  if (value === undefined || value > Number.MAX_SAFE_INTEGER) return undefined
  const fits =
    (above === undefined || value > above) &&
    (least === undefined || value >= least) &&
    (most === undefined || value <= most)
  return fits ? value : undefined
}

/** ` from 1s to 24h,`: bounds as in the topology's errors, with a comma before the example. */
function range({ above, least, most }: Bounds, typed: (value: number) => string): string {
  if (least !== undefined && most !== undefined) return ` from ${typed(least)} to ${typed(most)},`
  const low =
    above !== undefined ? `above ${typed(above)}` : least !== undefined ? `from ${typed(least)}` : ''
  if (most === undefined) return low && ` ${low},`
  return low ? ` ${low} and at most ${typed(most)},` : ` of at most ${typed(most)},`
}

/** Bounds as typed, in the largest unit without a fraction. */
const inUnits = (units: Readonly<Record<string, number>>, names: readonly string[]) => (value: number) => {
  const name = names.find((one) => value >= units[one]! && Number.isInteger(value / units[one]!))
  return name === undefined ? String(value) : `${value / units[name]!}${name}`
}
const typedMs = inUnits(unitMs, ['h', 'min', 's', 'ms'])
const typedBytes = inUnits(unitBytes, ['gb', 'mb', 'kb', 'b'])
const typedBits = inUnits(unitBits, ['gbit', 'mbit', 'kbit', 'bit'])
const typedShare = (value: number) => (value === 0 ? '0' : `${exact(value * 100)}%`)

/** A size in a topology. The example has the quotes of a string. */
export const anySize = sizeBytes({ example: '"256mb"' })
