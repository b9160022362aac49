import type { Net } from '../../geo/cover.ts'
import type { Prefix } from '../../geo/prefix.ts'
import type { KnotMap } from './map.ts'

/** What the server must answer for a user of the prefix: these addresses, valid for exactly the prefix. */
export type Probe = { subnet: Prefix; addresses: readonly string[] }

/** For every answer the first and the last net that gets it, in both families: a few questions prove a map. */
export function sampleProbes({ nets, answers }: KnotMap): Probe[] {
  const ends = new Map<string, [first: Net, last: Net]>()
  for (const net of nets()) {
    const key = `${net.family} ${net.value}`
    const known = ends.get(key)
    if (known) known[1] = net
    else ends.set(key, [net, net])
  }
  return [...ends.values()].flatMap((pair) =>
    [...new Set(pair)].map(({ value, ...subnet }) => ({ subnet, addresses: answers[value]! })),
  )
}
