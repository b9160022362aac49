import { InvalidArgumentError } from 'commander'

/** Quantities of a link as they are typed and shown. Pure. */

const mostDelayMs = 60_000

/** `40ms`, `0.5s`; only 0 needs no unit. */
export function delayOf(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*(ms|s)$/i.exec(text.trim().replace(/^0$/, '0ms'))
  const ms = found ? Number(found[1]) * (found[2]?.toLowerCase() === 's' ? 1000 : 1) : Number.NaN
  if (ms <= mostDelayMs) return ms
  throw new InvalidArgumentError('expected a time with its unit, up to 60 s, such as 40ms')
}

/** `1%`, `0.5%`; a bare number is a share from 0 to 1. */
export function shareOf(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*(%)?$/.exec(text.trim())
  const share = found ? Number(found[1]) / (found[2] ? 100 : 1) : Number.NaN
  if (share <= 1) return share
  throw new InvalidArgumentError('expected a share, such as 1% or 0.01')
}

const units = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }
const fewestBits = 1000

/** `100mbit`, `512kbit`; `none` is no limit (0). */
export function rateOf(text: string): number {
  if (/^(none|0)$/i.test(text.trim())) return 0
  const found = /^(\d+(?:\.\d+)?)\s*(bit|kbit|mbit|gbit)$/i.exec(text.trim())
  const bits = found ? Number(found[1]) * units[found[2]!.toLowerCase() as keyof typeof units] : Number.NaN
  if (bits >= fewestBits && bits <= 1e12) return Math.round(bits)
  throw new InvalidArgumentError('expected bits per second, such as 100mbit or 512kbit, or none')
}

export const shareText = (share: number) => `${Number((share * 100).toPrecision(3))} %`

export function bitsText(bits: number): string {
  const [unit, size] = bits >= 1e9 ? ['Gbit/s', 1e9] : bits >= 1e6 ? ['Mbit/s', 1e6] : ['kbit/s', 1e3]
  return `${Number((bits / (size as number)).toPrecision(3))} ${unit}`
}
