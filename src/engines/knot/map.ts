import type { Net } from '../../geo/cover.ts'
import { formatPrefix } from '../../geo/prefix.ts'
import { computeAnswers } from '../../steering/answers.ts'
import type { AvailabilityByRegion } from '../../steering/availability.ts'
import type { SteeringTable } from '../../steering/table.ts'
import type { Region } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'

/** What mod-geoip is told: per net the addresses of the answer. */
export type KnotMap = {
  domain: string
  /** Both families, whole, without overlaps. Values are indexes into `answers`. Read more than once. */
  nets(): Iterable<Net>
  /** IPv4 addresses, the one to be used first. Every answer has the same record types (here: A). */
  answers: readonly (readonly string[])[]
}

/** The map that puts a world's steering into effect: each region's answer is its one address. */
export function knotMap(
  topology: Topology,
  regions: readonly Region[],
  table: SteeringTable,
  availability: AvailabilityByRegion,
): KnotMap {
  const addresses = new Map(regions.map((region) => [region.name, region.address]))
  const answers = table.regions.map(({ name }) => {
    const address = addresses.get(name)
    if (address === undefined)
      throw new RangeError(`the table knows a region ${name} that the topology does not`)
    return [address]
  })
  return { domain: topology.domain, nets: computeAnswers(table, availability).nets, answers }
}

/** Characters a piece, about. */
const pieceSize = 16 * 1024

/**
 * The text of the map in pieces, without its mark (see `renderMark`).
 *
 * Nets are disjoint and cover everything: Knot reports the matched net's own length as the answer's scope, also when
 * a longer net lies inside it, and a resolver would then give the outer answer to people of the inner net.
 */
export function* renderMap({ domain, nets, answers }: KnotMap): Generator<string> {
  const records = answers.map((addresses) => addresses.map((address) => `    A: ${address}\n`).join(''))
  let piece = `${domain}:\n`
  for (const net of nets()) {
    piece += `  - net: ${formatPrefix(net)}\n${records[net.value]}`
    if (piece.length < pieceSize) continue
    yield piece
    piece = ''
  }
  yield piece
}

/** The name whose TXT record tells which map a server has loaded. */
export const markLabel = '_nearside'
export function markName(domain: string): string {
  return `${markLabel}.${domain}`
}

/**
 * The end of a map: a TXT record that names it. Standing last, it is missing from a map that was cut short; Knot takes
 * a truncated or an empty one without complaint. Without any map the zone itself answers `map=none`.
 */
export function renderMark(domain: string, mark: string): string {
  const nets = ['0.0.0.0/0', '::/0'].map((net) => `  - net: "${net}"\n    TXT: "map=${mark}"\n`)
  return `${markName(domain)}:\n${nets.join('')}`
}
