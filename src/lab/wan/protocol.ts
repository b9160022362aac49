import { NearsideError } from '../../lib/errors.ts'
import type { Link, LinkParams, LinkStats, Prefix, Totals } from './types.ts'

/** Lines of the control socket, as documented in shaper/commands.c. Pure. */

export const greeting = 'nearside-wan 1'

const delayMaxMs = 60_000
const rateMax = 1e12

export function placeLine({ place, prefix }: Prefix): string {
  if (!/^[\w.:-]{1,63}$/.test(place))
    throw new NearsideError(
      'wan_place',
      `${place}: expected a place of at most 63 letters, digits, - _ . or :`,
    )
  if (
    !/^(\d{1,3}\.){3}0\/24$/.test(prefix) ||
    prefix.split('.').some((part) => Number.parseInt(part, 10) > 255)
  )
    throw new NearsideError('wan_prefix', `${place}: ${prefix}: expected an IPv4 /24, such as 10.77.1.0/24`)
  return `place ${place} ${prefix}`
}

export function linkLine({ from, to, params }: Link): string {
  const { delayMs, jitterMs, lossShare, rateBitsPerSecond, cut } = params
  const number = (name: keyof LinkParams, value: number, max: number, factor: number) => {
    if (value >= 0 && value <= max) return Math.round(value * factor)
    throw new NearsideError('wan_parameter', `${from} to ${to}: ${name}: expected 0 to ${max}, got ${value}`)
  }
  return [
    `link ${from} ${to}`,
    number('delayMs', delayMs, delayMaxMs, 1000),
    number('jitterMs', jitterMs, delayMaxMs, 1000),
    number('lossShare', lossShare, 1, 1e9),
    number('rateBitsPerSecond', rateBitsPerSecond, rateMax, 1),
    cut ? 'cut' : 'up',
  ].join(' ')
}

export function parseLink(line: string): Link {
  const [word, from, to, delay, jitter, loss, rate, state] = line.split(' ')
  if (word !== 'link' || !from || !to || (state !== 'up' && state !== 'cut')) throw unexpected(line)
  const params: LinkParams = {
    delayMs: number(delay, line) / 1000,
    jitterMs: number(jitter, line) / 1000,
    lossShare: number(loss, line) / 1e9,
    rateBitsPerSecond: number(rate, line),
    cut: state === 'cut',
  }
  return { from, to, params }
}

export function parseStats(line: string): LinkStats {
  const [word, from, to, ...values] = line.split(' ')
  if (word !== 'stats' || !from || !to || values.length !== 6) throw unexpected(line)
  const [packets, bytes, lost, cut, overflowed, queued] = values.map((value) => number(value, line))
  return {
    from,
    to,
    packets: packets!,
    bytes: bytes!,
    lost: lost!,
    cut: cut!,
    overflowed: overflowed!,
    queued: queued!,
  }
}

export function parseTotals(line: string | undefined): Totals {
  const [word, ...values] = line?.split(' ') ?? []
  if (word !== 'totals' || values.length !== 4) throw unexpected(line)
  const [unknown, unwritten, missed, heldBytes] = values.map((value) => number(value, line))
  return { unknown: unknown!, unwritten: unwritten!, missed: missed!, heldBytes: heldBytes! }
}

function number(text: string | undefined, line: string | undefined): number {
  if (text === undefined || !/^\d+$/.test(text)) throw unexpected(line)
  return Number(text)
}

export const unexpected = (line: string | undefined) =>
  new NearsideError('wan_protocol', `unexpected answer of the shaper: ${line ?? 'none'}`, {
    remedy: 'it may be another version: run `nearside lab down`, then `nearside lab up`',
  })
