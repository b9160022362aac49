import { NearsideError } from '../../lib/errors.ts'

/** What is typed after an option. Pure. */

/** `250ms`, `20s`, `1.5s`, `2min`, `1h`. */
export function durationMs(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h)$/.exec(text.trim())
  if (!match)
    throw usage('duration', `${option}: expected a time such as 20s or 80ms, got ${JSON.stringify(text)}`)
  const unit = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[match[2] as 'ms']
  return Number(match[1]) * unit
}

/** `5%` or `0.05`. */
export function shareOf(option: string, text: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)\s*(%?)$/.exec(text.trim())
  const share = match ? Number(match[1]) / (match[2] ? 100 : 1) : Number.NaN
  if (!(share > 0 && share <= 1))
    throw usage('share', `${option}: expected a share such as 5% or 0.05, got ${JSON.stringify(text)}`)
  return share
}

/** `10mbit`, `512kbit`, `1gbit`. */
export function bitsPerSecond(option: string, text: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*(kbit|mbit|gbit)(?:\/s)?$/i.exec(text.trim())
  if (!match) throw usage('rate', `${option}: expected a rate such as 10mbit, got ${JSON.stringify(text)}`)
  return Number(match[1]) * { kbit: 1e3, mbit: 1e6, gbit: 1e9 }[match[2]!.toLowerCase() as 'kbit']
}

export function positive(option: string, text: string, example: string): number {
  const number = Number(text)
  if (!(number > 0 && number <= 10_000))
    throw usage('number', `${option}: expected a number of ${example}, got ${JSON.stringify(text)}`)
  return number
}

/** Wrong usage: what was expected, and what to type instead. */
export const usage = (code: string, message: string, remedy?: string) =>
  new NearsideError(`usage_${code}`, message, remedy === undefined ? {} : { remedy })
