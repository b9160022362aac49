import { NearsideError } from '../../lib/errors.ts'
import type { Link } from '../wan/index.ts'
import { linksOf, linksUnder, withoutFaults } from './links.ts'
import { type FaultRecord, type Records, readRecords } from './record.ts'
import { what } from './say.ts'
import type { FaultTarget } from './target.ts'
import type { Fault } from './types.ts'

/** Faults on links, told to the shaper: several commands may do so at once and know nothing of each other but records. */

export const onLinks = ({ kind }: Fault) => kind === 'cut' || kind === 'slow-link' || kind === 'lossy-link'

/** Undefined for what is not about links. Rejects where there are none that the fault is about. */
export async function linksBefore({ links, folder }: FaultTarget, fault: Fault): Promise<Link[] | undefined> {
  if (!links || !onLinks(fault)) return undefined
  // One that is healed while we look was still on these links.
  const earlier = readRecords(folder)
  const meant = linksOf(fault, await links.now())
  if (meant.length === 0) throw noLinks(fault)
  return withoutFaults(meant, [...earlier, ...readRecords(folder)])
}

/**
 * Only the links that this fault is about are told to the shaper: with thousands of places there are many. Told again
 * when another command has injected or healed a fault meanwhile: what it told may have come before.
 */
export async function setLinks(
  { links }: FaultTarget,
  { fault, linksBefore = [] }: FaultRecord,
  rest: Records,
): Promise<void> {
  if (!links) throw needsLab(fault)
  for (let told: string | undefined; ; ) {
    const known = rest()
    const ids = known.map(({ id }) => id).join()
    if (ids === told) return
    const wanted = linksUnder(
      linksBefore,
      known.map((one) => one.fault),
    )
    if (wanted.length > 0) await links.set(wanted)
    told = ids
  }
}

export const needsLab = (fault: Fault) =>
  new NearsideError(
    'fault_needs_lab',
    `${fault.kind}: a world on this machine’s own addresses has no network that could be changed`,
    {
      remedy: 'nearside lab up starts the same world with a network between its regions (root, Linux)',
    },
  )

const noLinks = (fault: Fault) =>
  new NearsideError('fault_no_links', `${what(fault)}: there is no such link, so nothing would change`, {
    remedy:
      'users have links once nearside lab users has run, and to regions that serve; nearside lab status shows the others',
  })
