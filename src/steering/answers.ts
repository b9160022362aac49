import { mergedNets, type Net } from '../geo/cover.ts'
import { truncate } from '../geo/prefix.ts'
import { type Availability, type AvailabilityByRegion, healthy } from './availability.ts'
import type { SteeringTable } from './table.ts'

/** One region for every address. */
type Answers = {
  /**
   * IPv4, then IPv6, in address order, without gap or overlap. A net's value is the region's index in the table. Each
   * call starts a new generator.
   */
  nets(): Generator<Net>
}

/**
 * Chooses the nearest healthy region for every prefix.
 *
 * A region that is coming back gets part of its prefixes, selected by a hash of the prefix: as its share grows,
 * prefixes are added and none is taken away. An answer names one region only (docs/decisions/0020).
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

/** Minimum prefix length while a region is coming back: very large prefixes would return all of their users at once. */
const rampLength = 8

function statesOf(table: SteeringTable, availability: AvailabilityByRegion): Availability[] {
  return table.regions.map((region) => availability[region.name] ?? healthy)
}

/** `hash` is that of the prefix, 0 to 1; see `hashAt`. */
function choose(order: Uint8Array, states: readonly Availability[], hash: number): number {
  let waiting: number | undefined
  for (const region of order) {
    const state = states[region]!
    if (state.kind !== 'healthy') continue
    if (hash < state.share) return region
    waiting ??= region
  }
  // If every healthy region is still coming back and no share includes this prefix, the nearest of them must take it.
  // If no region is healthy, everyone gets the nearest one that answers at all, and the nearest one if none does: an
  // empty answer would be cached.
  return waiting ?? order.find((region) => states[region]!.kind === 'unhealthy') ?? order[0]!
}

/** Hash of the prefix of `length` bits that contains the address. */
function hashAt(length: number, address: { high: number; low: number }): number {
  const start = truncate(address.high, address.low, Math.max(length, rampLength))
  return hashOf(start.high, start.low)
}

/** Spreads prefixes evenly over 0 to 1 by their first address (MurmurHash3's finaliser, applied to both halves). */
function hashOf(high: number, low: number): number {
  return mix(mix(high) ^ low) / 2 ** 32
}

function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
