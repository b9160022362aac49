import { createHash } from 'node:crypto'

/** Names and addresses in a lab's network. Pure. */

/** First two octets of every region's address. They exist only inside a lab's namespaces, so all labs share them. */
export const labBase = '10.77'
/** Source addresses of users: 2^23 of them; city k (from 0) has the k-th /24. */
export const usersNetwork = '10.128.0.0/9'
export const mostCities = 2 ** 15
/** The router's device that carries all traffic between two places. */
export const wanDevice = 'wan'
/** Index of the link between the router and *internet*; no region has it. */
export const internetIndex = 255

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

/** The inner address of a region's (or *internet*'s) link, and the router's. */
export const insideAddress = (index: number) => `${labBase}.${index}.1`
export const routerAddress = (index: number) => `${labBase}.${index}.254`
export const regionNetwork = (index: number) => `${labBase}.${index}.0/24`

/** The network of city k's users. */
export function cityNetwork(city: number): string {
  if (!Number.isInteger(city) || city < 0 || city >= mostCities)
    throw new RangeError(`city: expected a number from 0 to ${mostCities - 1}, got ${city}`)
  return `10.${128 + Math.floor(city / 256)}.${city % 256}.0/24`
}

/**
 * A user in every lab for operators who want to try things, located at the first region. Its network collides with no
 * city and no place of a CSV file.
 */
export const visitor = { place: 'visitor:1', network: cityNetwork(31_744), address: '10.252.0.1' }

/** The device in the router that leads to a place. */
export const deviceOf = (place: Place) => (typeof place === 'number' ? `r${place}` : place)
