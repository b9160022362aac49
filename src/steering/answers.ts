import { mergedNets, type Net } from '../geo/cover.ts'
import { truncate } from '../geo/prefix.ts'
import { type Availability, type AvailabilityByRegion, healthy } from './availability.ts'
import type { SteeringTable } from './table.ts'

/** For every address one region, by its index in the table. */
type Answers = {
  /** IPv4, then IPv6, in address order: they do not overlap and leave nothing out. Made anew at every call. */
  nets(): Generator<Net>
}

/**
 * The region for every prefix: the nearest healthy one.
 *
 * A region that is coming back gets a part of its prefixes, chosen by a hash of the prefix: always the same ones, and
 * more as its share grows, never fewer. An answer names one region only (docs/decisions/0020).
 */
export function computeAnswers(table: SteeringTable, availability: AvailabilityByRegion): Answers {
  const states = statesOf(table, availability)
  const ramping = states.some((state) => state.kind === 'healthy' && state.share < 1)
  const steady = table.rankings.map((order) => choose(order, states, 0))
  const regionOf = ramping
    ? (net: Readonly<Net>) => choose(table.rankings[net.value]!, states, hashAt(net.length, net))
    : (net: Readonly<Net>) => steady[net.value]!
  return {
    *nets() {
      for (const cover of table.covers) yield* mergedNets(cover, regionOf, ramping ? rampLength : 1)
    },
  }
}

/** While a region is coming back, no prefix is shorter: a few very large ones would come all at once. */
const rampLength = 8

function statesOf(table: SteeringTable, availability: AvailabilityByRegion): Availability[] {
  return table.regions.map((region) => availability[region.name] ?? healthy)
}

/** `hash` is the prefix's, 0 to 1; see `hashAt`. */
function choose(order: Uint8Array, states: readonly Availability[], hash: number): number {
  let waiting: number | undefined
  for (const region of order) {
    const state = states[region]!
    if (state.kind !== 'healthy') continue
    if (hash < state.share) return region
    waiting ??= region
  }
  // Every healthy region is coming back and none has room for this prefix yet: better there than nowhere. When none is
  // healthy, everyone gets the nearest one all the same: an empty answer would be cached.
  return waiting ?? order[0]!
}

/** The hash that counts for an address whose prefix has `length` bits. */
function hashAt(length: number, address: { high: number; low: number }): number {
  const start = truncate(address.high, address.low, Math.max(length, rampLength))
  return hashOf(start.high, start.low)
}

/** Spreads prefixes evenly over 0 to 1 by their first address (the finaliser of MurmurHash3, on both halves). */
function hashOf(high: number, low: number): number {
  return mix(mix(high) ^ low) / 2 ** 32
}

function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
