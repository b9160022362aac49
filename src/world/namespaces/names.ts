import { createHash } from 'node:crypto'

/** Names of a lab's network namespaces. Pure. */

/** A lab's namespaces other than those of its regions. No region of a lab may have such a name. */
export const ownPlaces = ['router', 'internet'] as const
type OwnPlace = (typeof ownPlaces)[number]

/** A region's index, or a place by name. */
export type Place = OwnPlace | number

/** 8 hex digits derived from a world's folder. They keep two labs on one machine apart. */
export const labIdOf = (worldFolder: string) =>
  createHash('sha256').update(worldFolder).digest('hex').slice(0, 8)

export const namespaceOf = (id: string, place: Place) =>
  `nearside-${id}-${typeof place === 'number' ? `r${place}` : place}`

/** The namespaces of one lab. */
export const namespacesOf = (id: string, indexes: readonly number[]) =>
  [...ownPlaces, ...indexes].map((place) => namespaceOf(id, place))

/** The lab and place of a namespace; undefined if it belongs to no lab. */
export function parseNamespace(name: string): { id: string; place: Place } | undefined {
  const found = /^nearside-([0-9a-f]{8})-(?:(router|internet)|r([1-9]\d{0,2}))$/.exec(name)
  if (!found) return undefined
  const [, id, own, index] = found
  return { id: id!, place: own === undefined ? Number(index) : (own as OwnPlace) }
}
