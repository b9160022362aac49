import { encodeQuestion } from '../../src/engines/knot/message.ts'
import type { Net } from '../../src/geo/cover.ts'
import { longestPrefix, type Prefix } from '../../src/geo/prefix.ts'
import { type Random, wholeBetween } from '../../src/lab/users/plan/random.ts'

/**
 * Queries of users in networks of the map, uniformly distributed over networks, so that a server has to search all of
 * it. Like resolvers, they send the first 24 bits of an IPv4 address or 56 of an IPv6 one. Each message is prefixed by
 * its length, as over TCP, which is the file format of dnsperf.
 */
export function renderQueries(domain: string, nets: readonly Net[], count: number, random: Random): Buffer {
  const parts: Uint8Array[] = []
  for (let index = 0; index < count; index += 1) {
    const subnet = networkIn(nets[wholeBetween(random, 0, nets.length - 1)]!, random)
    const message = encodeQuestion(index & 0xffff, { name: domain, type: 'A', subnet })
    parts.push(Uint8Array.of(message.length >> 8, message.length & 255), message)
  }
  return Buffer.concat(parts)
}

/** A random network of the length that resolvers send, inside the given one. */
export function networkIn({ family, high, low, length }: Prefix, random: Random): Prefix {
  const longest = longestPrefix[family]
  const bits = (from: number) => {
    const first = Math.max(length - from, 0)
    const last = Math.min(longest - from, 32)
    if (last <= first) return 0
    return Math.floor(random() * 2 ** (last - first)) * 2 ** (32 - last)
  }
  return {
    family,
    length: longest,
    high: (high | bits(0)) >>> 0,
    low: (low | bits(32)) >>> 0,
  }
}
