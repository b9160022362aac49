import { prefixAt } from '../geo/cover.ts'
import { addressBits, formatPrefix, parseAddress } from '../geo/prefix.ts'
import { isSpecial } from '../geo/special.ts'
import { choose, hashAt, type Reason, statesOf } from './answers.ts'
import type { Availability, AvailabilityByRegion } from './availability.ts'
import { locate, rankingOf, type SteeringTable, unknownKm } from './table.ts'

export type Explanation = {
  address: string
  /** The table's prefix that holds it. The answer's own may be shorter: equal neighbours are merged. */
  prefix: string
  /** Nearest first. */
  ranking: {
    region: string /** Mean over the prefix; undefined when its place is unknown. */
    km: number | undefined
    availability: Availability
  }[]
  region: string
  reason: Reason
}

/** Why an address is sent where it is; undefined when the text is no IP address. */
export function explain(
  table: SteeringTable,
  address: string,
  availability: AvailabilityByRegion,
): Explanation | undefined {
  const parsed = parseAddress(address)
  if (!parsed) return undefined
  const { family, index } = locate(table, parsed)
  const nowhere = isSpecial({ ...parsed, length: addressBits[parsed.family] })
  const cover = table.covers[family]
  const order = rankingOf(table, family, index)
  const states = statesOf(table, availability)
  const { region, reason } = choose(order, states, hashAt(cover.lengths[index]!, parsed))
  return {
    address,
    prefix: formatPrefix(prefixAt(cover, index)),
    ranking: [...order].map((number) => {
      const km = table.km[family][index * table.regions.length + number]!
      return {
        region: table.regions[number]!.name,
        km: nowhere || km === unknownKm ? undefined : km,
        availability: states[number]!,
      }
    }),
    region: table.regions[region]!.name,
    reason,
  }
}
