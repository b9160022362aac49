import { mergedNets, type Net } from '../geo/cover.ts'
import { truncate } from '../geo/prefix.ts'
import { type Availability, type AvailabilityByRegion, healthy } from './availability.ts'
import type { SteeringTable } from './table.ts'

/** For every address one region, by its index in the table. */
export type Answers = {
  /** IPv4, then IPv6, in address order: they do not overlap and leave nothing out. Made anew at every call. */
  nets(): Generator<Net>
}

/** Why a region was chosen for a prefix. */
export type Reason =
  /** It is the nearest of all. */
  | 'nearest'
  /** The nearer ones are lost or drained. */
  | 'nearest-healthy'
  /** A nearer one is back, but it is not this prefix's turn yet. */
  | 'ramp'
  /** No region is healthy, this one only drained. */
  | 'nearest-drained'
  /** No region works: everyone gets the nearest one all the same. An empty answer would be cached (fail open). */
  | 'fail-open'

export type Choice = { region: number; reason: Reason }

/**
 * The region for every prefix: the nearest healthy one.
 *
 * A region that is coming back gets a part of its prefixes, chosen by a hash of the prefix: always the same ones, and
 * more as its share grows, never fewer. An answer names one region only (docs/decisions/0020).
 */
export function computeAnswers(table: SteeringTable, availability: AvailabilityByRegion): Answers {
  const states = statesOf(table, availability)
  const ramping = states.some((state) => state.kind === 'healthy' && state.share < 1)
  const steady = table.rankings.map((order) => choose(order, states, 0).region)
  const regionOf = ramping
    ? (net: Readonly<Net>) => choose(table.rankings[net.value]!, states, hashAt(net.length, net)).region
    : (net: Readonly<Net>) => steady[net.value]!
  return {
    *nets() {
      for (const cover of table.covers) yield* mergedNets(cover, regionOf, ramping ? rampLength : 1)
    },
  }
}

/** While a region is coming back, no prefix is shorter: a few very large ones would come all at once. */
const rampLength = 8

export function statesOf(table: SteeringTable, availability: AvailabilityByRegion): Availability[] {
  return table.regions.map((region) => availability[region.name] ?? healthy)
}

/** `hash` is the prefix's, 0 to 1; see `hashAt`. */
export function choose(order: Uint8Array, states: readonly Availability[], hash: number): Choice {
  let waiting: number | undefined
  for (const region of order) {
    const state = states[region]!
    if (state.kind !== 'healthy') continue
    if (hash < state.share) {
      const reason = region === order[0] ? 'nearest' : waiting === undefined ? 'nearest-healthy' : 'ramp'
      return { region, reason }
    }
    waiting ??= region
  }
  // Every healthy region is coming back and none has room for this prefix yet: better there than nowhere.
  if (waiting !== undefined)
    return { region: waiting, reason: waiting === order[0] ? 'nearest' : 'nearest-healthy' }
  const drained = order.find((region) => states[region]!.kind === 'drained')
  if (drained !== undefined) return { region: drained, reason: 'nearest-drained' }
  return { region: order[0]!, reason: 'fail-open' }
}

/** The hash that counts for an address whose prefix has `length` bits. */
export function hashAt(length: number, address: { high: number; low: number }): number {
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
