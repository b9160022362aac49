import { createHash } from 'node:crypto'

/** Names and addresses of a lab's network. Pure. */

/** First two numbers of every region's address. They exist only inside a lab's namespaces, so all labs share them. */
export const labBase = '10.77'
/** Where users come from: 2^23 addresses, city k (from 0) has the k-th /24 of them. */
export const usersNetwork = '10.128.0.0/9'
export const mostCities = 2 ** 15
/** The router's device through which every packet between two places goes. */
export const wanDevice = 'wan'
/** The line between the router and *internet*; no region has this number. */
export const internetIndex = 255

/** The namespaces that a lab has beside those of its regions. No region of a lab may have such a name. */
export const ownPlaces = ['router', 'internet'] as const
type OwnPlace = (typeof ownPlaces)[number]

/** By a region's number or by name. */
export type Place = OwnPlace | number

/** 8 hex digits that stand for a world's folder. Two labs on one machine differ in them and in nothing else. */
export const labIdOf = (worldFolder: string) =>
  createHash('sha256').update(worldFolder).digest('hex').slice(0, 8)

export const namespaceOf = (id: string, place: Place) =>
  `nearside-${id}-${typeof place === 'number' ? `r${place}` : place}`

/** The namespaces of one lab. */
export const namespacesOf = (id: string, indexes: readonly number[]) =>
  [...ownPlaces, ...indexes].map((place) => namespaceOf(id, place))

/** Which lab and place a namespace belongs to; undefined for a stranger's. */
export function parseNamespace(name: string): { id: string; place: Place } | undefined {
  const found = /^nearside-([0-9a-f]{8})-(?:(router|internet)|r([1-9]\d{0,2}))$/.exec(name)
  if (!found) return undefined
  const [, id, own, index] = found
  return { id: id!, place: own === undefined ? Number(index) : (own as OwnPlace) }
}

/** A region's (or *internet*'s) own end of its line, and the router's end. */
export const insideAddress = (index: number) => `${labBase}.${index}.1`
export const routerAddress = (index: number) => `${labBase}.${index}.254`
export const regionNetwork = (index: number) => `${labBase}.${index}.0/24`

/** The network of the k-th city's users. */
export function cityNetwork(city: number): string {
  if (!Number.isInteger(city) || city < 0 || city >= mostCities)
    throw new RangeError(`city: expected a number from 0 to ${mostCities - 1}, got ${city}`)
  return `10.${128 + Math.floor(city / 256)}.${city % 256}.0/24`
}

/**
 * A user that every lab has, for an operator who wants to look: at home where the first region is. Its network is
 * none of a city's, and none of a CSV file's places.
 */
export const visitor = { place: 'visitor:1', network: cityNetwork(31_744), address: '10.252.0.1' }

/** The device in the router that leads to a place. */
export const deviceOf = (place: Place) => (typeof place === 'number' ? `r${place}` : place)
