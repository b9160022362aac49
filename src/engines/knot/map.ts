import type { Net } from '../../geo/cover.ts'
import { formatPrefix } from '../../geo/prefix.ts'
import { computeAnswers } from '../../steering/answers.ts'
import type { AvailabilityByRegion } from '../../steering/availability.ts'
import type { SteeringTable } from '../../steering/table.ts'
import type { Region } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'
import { withGeneric } from './generic.ts'

/** Configuration of mod-geoip: the addresses to answer with, per net. */
export type KnotMap = {
  domain: string
  /** Both address families, complete and without overlaps. Values are indexes into `answers`. Called more than once. */
  nets(): Iterable<Net>
  /** IPv4 addresses, the preferred one first. All answers must have the same record types (here: A). */
  answers: readonly (readonly string[])[]
}

/** The map for a steering table and the regions' availability. The answer for a region is its one address. */
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
      throw new RangeError(`the steering table has a region ${name}, which is not in the topology`)
    return [address]
  })
  return { domain: topology.domain, nets: computeAnswers(table, availability).nets, answers }
}

/** Approximate number of characters per chunk. */
const chunkSize = 16 * 1024

/**
 * The text of the map in chunks, without its mark (see `renderMark`).
 *
 * Nets must be disjoint and cover everything: Knot answers with the matched net's length as scope even if a longer net
 * lies inside it, and a resolver would then serve the outer answer to users of the inner net.
 */
export function* renderMap({ domain, nets, answers }: KnotMap): Generator<string> {
  const records = answers.map((addresses) => addresses.map((address) => `    A: ${address}\n`).join(''))
  let chunk = `${domain}:\n`
  for (const net of withGeneric(nets())) {
    chunk += `  - net: ${formatPrefix(net)}\n${records[net.value]}`
    if (chunk.length < chunkSize) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

/** Label of the TXT record with the mark of the map that a server has loaded. */
export const markLabel = '_nearside'
export function markName(domain: string): string {
  return `${markLabel}.${domain}`
}

/**
 * The end of a map: a TXT record with its mark. It comes last, so a truncated map lacks it; Knot itself accepts
 * truncated and empty maps without complaint. Without any map, the zone answers `map=none`.
 */
export function renderMark(domain: string, mark: string): string {
  const nets = ['0.0.0.0/0', '::/0'].map((net) => `  - net: "${net}"\n    TXT: "map=${mark}"\n`)
  return `${markName(domain)}:\n${nets.join('')}`
}
