import type { Place } from '../../world/namespaces/names.ts'

/** A lab's address plan and the names of its devices. Pure. */

/** First two octets of every region's address. They exist only inside a lab's namespaces, so all labs share them. */
export const labBase = '10.77'
/** Source addresses of users: 2^23 of them; city k (from 0) has the k-th /24. */
export const usersNetwork = '10.128.0.0/9'
export const mostCities = 2 ** 15
/** The router's device that carries all traffic between two places. */
export const wanDevice = 'wan'
/** Index of the link between the router and *internet*; no region has it. */
export const internetIndex = 255

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
