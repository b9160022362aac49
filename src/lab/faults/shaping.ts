import type { Link, LinkParams } from '../wan/index.ts'
import type { FaultRecord } from './record.ts'
import type { Links } from './target.ts'

/** The parameters of one direction under a fault; undefined if the fault does not affect it. */
export type LinkChange = (from: string, to: string, params: LinkParams) => LinkParams | undefined

/** The links under exactly these changes. `base` has the links without any fault. Pure. */
export const linksUnder = (base: readonly Link[], changes: readonly LinkChange[]): Link[] =>
  base.map(({ from, to, params }) => ({
    from,
    to,
    params: changes.reduce((before, change) => change(from, to, before) ?? before, params),
  }))

export const meantBy = (change: LinkChange, links: readonly Link[]): Link[] =>
  links.filter(({ from, to, params }) => change(from, to, params) !== undefined)

/**
 * The links without any fault: from the record of an earlier fault, which found them intact, or else their current
 * parameters, which an operator may have set. Pure.
 */
export function intact(now: readonly Link[], records: readonly Pick<FaultRecord, 'linksBefore'>[]): Link[] {
  const known = new Map(
    records.flatMap(({ linksBefore = [] }) =>
      linksBefore.map((link) => [`${link.from} ${link.to}`, link] as const),
    ),
  )
  return now.map((link) => known.get(`${link.from} ${link.to}`) ?? link)
}

/**
 * Sets the shaper's links of one fault as all `records` require, and no others, because a lab with thousands of places
 * has many. Repeats if another command has injected or healed a fault meanwhile, since either may have written last.
 */
export async function shape(
  links: Links,
  base: readonly Link[],
  records: () => readonly FaultRecord[],
  changesOf: (records: readonly FaultRecord[]) => LinkChange[],
): Promise<void> {
  for (let told: string | undefined; ; ) {
    const known = records()
    const ids = known.map(({ id }) => id).join()
    if (ids === told) return
    const wanted = linksUnder(base, changesOf(known))
    if (wanted.length > 0) await links.set(wanted)
    told = ids
  }
}
