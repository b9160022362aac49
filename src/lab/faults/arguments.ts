import { unknown } from '../../lib/did-you-mean.ts'
import { list } from '../../lib/format.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { FaultInput } from './driver.ts'
import { usage } from './errors.ts'

/** Names in a fault's arguments, checked against the world. Pure. */

/** Used in place of a region for the simulated users of a lab. */
export const users = 'users'

export const regionNames = ({ regions }: ClusterFacts) => regions.map(({ name }) => name)

export const region = ({ words, facts }: FaultInput) => named('region', words[0]!, regionNames(facts))

export const regionOrUsers = (word: string, facts: ClusterFacts) =>
  named('region', word, [...regionNames(facts), users])

/** A region that runs the app and a database. */
export function fullRegion(input: FaultInput): string {
  const { kind, facts, words } = input
  const name = words[0]!
  const full = facts.regions.filter((one) => one.full).map((one) => one.name)
  if (full.includes(name)) return name
  if (!regionNames(facts).includes(name)) return unknown('region', name, full)
  const serves = facts.regions.some((one) => one.name === name && one.serves)
  throw usage(
    'region_empty',
    `${kind}: ${name} is ${serves ? 'an edge' : 'a witness'} without app and database; expected ${full.join(', ')}`,
    `nearside lab fault ${kind} ${full[0]}`,
  )
}

export const listOf = (text: string) => [...new Set(text.split(',').filter(Boolean))]

export const named = (what: string, word: string, known: readonly string[]) =>
  known.includes(word) ? word : unknown(what, word, known)

/** `us-east`, `us-east and us-west`, `us-east, us-west and its users`. */
export const describePlaces = (places: readonly string[]) => list(places.map(describePlace))

export const describePlace = (place: string) => (place === users ? 'its users' : place)
