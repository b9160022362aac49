import { prefixAt } from '../../geo/cover.ts'
import type { Prefix } from '../../geo/prefix.ts'
import type { KnotMap } from './map.ts'

/** What the server must answer for a user of the prefix: these addresses, valid for exactly the prefix. */
export type Probe = { subnet: Prefix; addresses: readonly string[] }

/** For every answer the first and the last prefix that gets it, in both families: a few questions prove a map. */
export function sampleProbes({ covers, answers }: KnotMap): Probe[] {
  return covers.flatMap((cover) => {
    const ends = new Map<number, { first: number; last: number }>()
    for (let index = 0; index < cover.values.length; index++) {
      const value = cover.values[index]!
      const known = ends.get(value)
      if (known) known.last = index
      else ends.set(value, { first: index, last: index })
    }
    return [...ends].flatMap(([value, { first, last }]) =>
      [...new Set([first, last])].map((index) => ({
        subnet: prefixAt(cover, index),
        addresses: answers[value]!,
      })),
    )
  })
}
