/**
 * IP prefixes as numbers. Only the top 64 bits of an address are kept, because neither steering nor any DNS answer is
 * more specific than /64. An IPv4 address has its 32 bits in `high`; its `low` is always 0.
 */

export type Family = 4 | 6

export type Prefix = { family: Family; high: number; low: number; length: number }

/** Maximum prefix length that this module represents. */
export const addressBits: Record<Family, number> = { 4: 32, 6: 64 }

/**
 * Longest prefix that an answer may be scoped to. Resolvers send at most /24 and /56 (RFC 7871, 11.1), and a scope
 * longer than the prefix that they sent is of no use to them.
 */
export const longestPrefix: Record<Family, number> = { 4: 24, 6: 56 }

/** The bit at `position`; 0 is the most significant. */
export function bitAt(high: number, low: number, position: number): 0 | 1 {
  return position < 32
    ? (((high >>> (31 - position)) & 1) as 0 | 1)
    : (((low >>> (63 - position)) & 1) as 0 | 1)
}

/** The address with every bit after the first `length` cleared. */
export function truncate(high: number, low: number, length: number): { high: number; low: number } {
  return {
    high: length === 0 ? 0 : length >= 32 ? high : (high & (0xffffffff << (32 - length))) >>> 0,
    low: length <= 32 ? 0 : length >= 64 ? low : (low & (0xffffffff << (64 - length))) >>> 0,
  }
}

export function contains(prefix: Prefix, address: { family: Family; high: number; low: number }): boolean {
  if (prefix.family !== address.family) return false
  const start = truncate(address.high, address.low, prefix.length)
  return start.high === prefix.high && start.low === prefix.low
}

/** `9.9.9.0/24`, `2001:db8::/48`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`
}

export function formatAddress({ family, high, low }: Omit<Prefix, 'length'>): string {
  if (family === 4) return [high >>> 24, (high >>> 16) & 255, (high >>> 8) & 255, high & 255].join('.')
  const groups = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff]
  while (groups.length > 0 && groups.at(-1) === 0) groups.pop()
  return `${groups.map((group) => group.toString(16)).join(':')}::`
}

/** Returns undefined when the text is neither an IPv4 nor an IPv6 address. Bits after the 64th are dropped. */
export function parseAddress(text: string): { family: Family; high: number; low: number } | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Returns undefined when the text is not `address/length`. Bits after the length are cleared. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  const address = match && parseAddress(match[1]!)
  if (!match || !address) return undefined
  const length = Number(match[2])
  if (length > addressBits[address.family]) return undefined
  return { family: address.family, ...truncate(address.high, address.low, length), length }
}

function parseIpv4(text: string): { family: 4; high: number; low: 0 } | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let high = 0
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    high = high * 256 + Number(part)
  }
  return { family: 4, high, low: 0 }
}

function parseIpv6(text: string): { family: 6; high: number; low: number } | undefined {
  const dotted = parseIpv4(text.slice(text.lastIndexOf(':') + 1))
  // The last 32 bits may be in dotted-quad notation. They are dropped, so their value does not matter.
  const halves = (dotted ? text.replace(/[^:]+$/, '0:0') : text).split('::')
  if (halves.length > 2) return undefined
  const sides = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (sides.flat().some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  const [head, tail] = [sides[0]!, sides[1] ?? []]
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail].map((group) =>
    Number.parseInt(group, 16),
  )
  return {
    family: 6,
    high: groups[0]! * 0x10000 + groups[1]!,
    low: groups[2]! * 0x10000 + groups[3]!,
  }
}
