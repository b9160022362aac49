import type { Net } from '../../geo/cover.ts'
import type { Prefix } from '../../geo/prefix.ts'
import { withGeneric } from './generic.ts'
import type { KnotMap } from './map.ts'

/** An expectation: a query for this subnet gets these addresses, with exactly this prefix as scope. */
export type Probe = { subnet: Prefix; addresses: readonly string[] }

/** Picks the first and the last net of every answer in both families, so a few queries verify a map. */
export function sampleProbes({ nets, answers }: KnotMap): Probe[] {
  const ends = new Map<string, [first: Net, last: Net]>()
  for (const net of withGeneric(nets())) {
    const key = `${net.family} ${net.value}`
    const known = ends.get(key)
    if (known) known[1] = net
    else ends.set(key, [net, net])
  }
  return [...ends.values()].flatMap((pair) =>
    [...new Set(pair)].map(({ value, ...subnet }) => ({ subnet, addresses: answers[value]! })),
  )
}
