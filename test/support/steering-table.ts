import type { Cover } from '../../src/geo/cover.ts'
import type { Family } from '../../src/geo/prefix.ts'
import type { SteeringTable } from '../../src/steering/table.ts'

/** Index of the prefix that contains the address. */
export function indexOf(cover: Cover, high: number, low: number): number {
  let [below, above] = [0, cover.lengths.length]
  while (above - below > 1) {
    const middle = (below + above) >>> 1
    const before = cover.high[middle]! < high || (cover.high[middle] === high && cover.low[middle]! <= low)
    if (before) below = middle
    else above = middle
  }
  return below
}

/** The prefix that contains the address: its cover (0 IPv4, 1 IPv6) and its index there. */
export function locate(
  table: SteeringTable,
  address: { family: Family; high: number; low: number },
): { family: 0 | 1; index: number } {
  const family = address.family === 4 ? 0 : 1
  return { family, index: indexOf(table.covers[family], address.high, address.low) }
}

export function rankingOf(table: SteeringTable, family: 0 | 1, index: number): Uint8Array {
  return table.rankings[table.covers[family].values[index]!]!
}
