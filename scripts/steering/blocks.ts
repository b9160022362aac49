import { type PlaceTree, walkPlaces } from '../../src/geo/place-tree.ts'
import { contains, parsePrefix } from '../../src/geo/prefix.ts'
import { specialPrefixes } from '../../src/geo/special.ts'
import type { SteeringTable } from '../../src/steering/table.ts'

/** Large blocks, most of whose addresses have a country only. */
const blocks: Record<string, string> = {
  '107.64.0.0/10': 'AT&T',
  '172.56.0.0/13': 'T-Mobile US',
  '174.192.0.0/10': 'Verizon Wireless',
  '49.32.0.0/11': 'Jio',
  '106.192.0.0/10': 'Airtel',
  '1.128.0.0/11': 'Telstra',
  '223.64.0.0/10': 'China Mobile',
  '177.0.0.0/8': 'Brazil',
  '2600:1700::/28': 'AT&T',
  '2600:380::/28': 'AT&T mobile',
  '2600:1010::/28': 'Verizon Wireless',
  '2601::/20': 'Comcast',
  '2603:8000::/24': 'Charter',
  '2600:8800::/28': 'Cox',
  '2607:fb90::/28': 'T-Mobile US',
  '2605:8d80::/32': 'Rogers',
  '2409:8000::/20': 'China Mobile',
  '240e::/20': 'China Telecom',
  '2401:4900::/32': 'Airtel',
  '2409:4000::/22': 'Jio',
  '2001:8000::/20': 'Telstra',
  '2804::/16': 'Brazil',
  '2a00:1fa0::/29': 'MegaFon',
}

/** Per block, the share of its networks that have a country only, and which regions these and the others get. */
export function blockTable(table: SteeringTable, places: readonly PlaceTree[]): string {
  const rows = Object.entries(blocks).map(([text, owner]) => ({
    text,
    owner,
    prefix: parsePrefix(text)!,
    sums: { known: new Map<number, [number, number]>(), vague: new Map<number, [number, number]>() },
  }))
  for (const tree of places) {
    const cover = table.covers[tree.family === 4 ? 0 : 1]
    const inFamily = rows.filter(({ prefix }) => prefix.family === tree.family)
    let at = 0
    walkPlaces(tree, specialPrefixes, (length, place, high, low) => {
      const isPast = (index: number) =>
        cover.high[index]! < high || (cover.high[index]! === high && cover.low[index]! <= low)
      while (at + 1 < cover.high.length && isPast(at + 1)) at++
      const row =
        place < 0
          ? undefined
          : inFamily.find(({ prefix }) => contains(prefix, { family: tree.family, high, low }))
      if (!row || length < row.prefix.length) return
      const kind = tree.locations[place]!.precision === 'country' ? 'vague' : 'known'
      const region = table.rankings[cover.values[at]!]![0]!
      const sum = row.sums[kind].get(region) ?? [0, 0]
      row.sums[kind].set(region, [sum[0] + 1, sum[1] + 2 ** -length])
    })
  }
  const shares = (sums: Map<number, [number, number]>) => {
    const total = [...sums.values()].reduce((a, b) => [a[0] + b[0], a[1] + b[1]], [0, 0] as [number, number])
    const parts = [...sums]
      .sort((a, b) => b[1][1] - a[1][1])
      .map(
        ([region, [networks, addresses]]) =>
          `${table.regions[region]!.name} ${((networks / total[0]) * 100).toFixed(0)}/${((addresses / total[1]) * 100).toFixed(0)}`,
      )
    return `${total[0]} networks: ${parts.slice(0, 4).join(', ')}`
  }
  return rows
    .map(({ text, owner, sums }) => `  ${text} (${owner}) | ${shares(sums.known)} | ${shares(sums.vague)}`)
    .join('\n')
}
