import type { Link, LinkParams } from '../wan/index.ts'
import { type Direction, type Fault, users } from './types.ts'

/**
 * The links as they have to be while these faults are in force, and no other: faults overlap, and healing one must not
 * heal another. Pure. `base`: as they are without any fault.
 */
export function linksUnder(base: readonly Link[], faults: readonly Fault[]): Link[] {
  return base.map(({ from, to, params }) => ({
    from,
    to,
    params: faults.reduce((before, fault) => touched(fault, from, to, before), params),
  }))
}

/** The links that a fault is about. */
export const linksOf = (fault: Fault, links: readonly Link[]): Link[] =>
  links.filter(({ from, to }) => isAbout(fault, from, to))

/**
 * Links without any fault: what another fault's record says of them, because it found them whole; else as they are
 * now, which may be as an operator has set them.
 */
export function withoutFaults(now: readonly Link[], others: readonly { linksBefore?: Link[] }[]): Link[] {
  const known = new Map(
    others.flatMap(({ linksBefore = [] }) =>
      linksBefore.map((link) => [`${link.from} ${link.to}`, link] as const),
    ),
  )
  return now.map((link) => known.get(`${link.from} ${link.to}`) ?? link)
}

const isPlace = (place: string, name: string) => (name === users ? place.startsWith('city:') : place === name)

function passes(direction: Direction, a: string, b: string, from: string, to: string): boolean {
  const out = isPlace(from, a) && isPlace(to, b)
  const back = isPlace(from, b) && isPlace(to, a)
  return (out && direction !== 'in') || (back && direction !== 'out')
}

function isAbout(fault: Fault, from: string, to: string): boolean {
  if (fault.kind === 'cut')
    return fault.from.some((other) => passes(fault.direction, fault.region, other, from, to))
  if (fault.kind === 'slow-link' || fault.kind === 'lossy-link')
    return passes(fault.direction, fault.from, fault.to, from, to)
  return false
}

function touched(fault: Fault, from: string, to: string, before: LinkParams): LinkParams {
  if (!isAbout(fault, from, to)) return before
  if (fault.kind === 'cut') return { ...before, cut: true }
  if (fault.kind === 'lossy-link')
    return { ...before, lossShare: 1 - (1 - before.lossShare) * (1 - fault.lossShare) }
  if (fault.kind === 'slow-link')
    return {
      ...before,
      delayMs: before.delayMs + fault.delayMs,
      jitterMs: before.jitterMs + fault.jitterMs,
      rateBitsPerSecond: slower(before.rateBitsPerSecond, fault.rateBitsPerSecond),
    }
  return before
}

const slower = (a: number, b: number) => (a === 0 ? b : b === 0 ? a : Math.min(a, b))
