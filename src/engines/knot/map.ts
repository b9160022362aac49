import { type Cover, prefixAt } from '../../geo/cover.ts'
import { formatPrefix } from '../../geo/prefix.ts'
import { computeAnswers } from '../../steering/answers.ts'
import type { FitnessByRegion } from '../../steering/fitness.ts'
import type { SteeringTable } from '../../steering/table.ts'
import type { Region } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'

/** What mod-geoip is told: per prefix the addresses of the answer. */
export type KnotMap = {
  domain: string
  /** Both families. Values are indexes into `answers`. */
  covers: readonly Cover[]
  /** IPv4 addresses, the one to be used first. Every answer has the same record types (here: A). */
  answers: readonly (readonly string[])[]
}

/** The map that puts a world's steering into effect: each region's answer is its one address. */
export function knotMap(
  topology: Topology,
  regions: readonly Region[],
  table: SteeringTable,
  fitness: FitnessByRegion,
): KnotMap {
  const addresses = new Map(regions.map((region) => [region.name, region.address]))
  const answers = table.regions.map(({ name }) => {
    const address = addresses.get(name)
    if (address === undefined)
      throw new RangeError(`the table knows a region ${name} that the topology does not`)
    return [address]
  })
  return { domain: topology.domain, covers: computeAnswers(table, fitness).covers, answers }
}

/**
 * The text of the map, without its mark (see `markMap`).
 *
 * Nets are disjoint and cover everything: Knot reports the matched net's own length as the answer's scope, also when
 * a longer net lies inside it, and a resolver would then give the outer answer to people of the inner net.
 */
export function renderMap({ domain, covers, answers }: KnotMap): string {
  const records = answers.map((addresses) => addresses.map((address) => `    A: ${address}\n`).join(''))
  const lines = [`${domain}:\n`]
  for (const cover of covers) {
    for (let index = 0; index < cover.lengths.length; index++) {
      const record = records[cover.values[index]!]
      if (record === undefined) throw new RangeError(`no answer number ${cover.values[index]}`)
      lines.push(`  - net: ${formatPrefix(prefixAt(cover, index))}\n`, record)
    }
  }
  return lines.join('')
}

/** The name whose TXT record tells which map a server has loaded. */
export const markLabel = '_nearside'
export function markName(domain: string): string {
  return `${markLabel}.${domain}`
}

/**
 * Ends the map with a TXT record that names it. It stands last, so that a map that was cut short does not have it:
 * Knot takes a truncated or an empty map without complaint. The zone itself answers `map=none`.
 */
export function markMap(domain: string, text: string, mark: string): string {
  const nets = ['0.0.0.0/0', '::/0']
  return `${text}${markName(domain)}:\n${nets.map((net) => `  - net: "${net}"\n    TXT: "map=${mark}"\n`).join('')}`
}
