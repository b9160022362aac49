import { NearsideError } from '../../../lib/errors.ts'
import type { FaultContext, FaultSubject } from '../driver.ts'
import type { FaultValue } from '../fault.ts'
import { type FaultRecord, readRecords } from '../record.ts'
import { intact, type LinkChange, meantBy, shape } from '../shaping.ts'
import type { Links } from '../target.ts'

/**
 * The part of a driver whose fault changes links. The shaper gets the combined effect of all such faults, so that
 * healing one does not heal another.
 */
export const reshaping = <F extends FaultValue>(
  change: (fault: F) => LinkChange,
  changesOf: (records: readonly FaultRecord[]) => LinkChange[],
) => ({
  change,
  heals: 'the links get their previous settings',
  needs: 'lab' as const,
  requires: (subject: FaultSubject<F>) => void linksOf(subject),
  async capture(subject: FaultSubject<F>) {
    const { folder } = subject.target
    // A fault that is being healed at this time may still affect these links.
    const earlier = readRecords(folder)
    const meant = meantBy(change(subject.fault), await linksOf(subject).now())
    if (meant.length === 0) throw noLinks(subject)
    return { linksBefore: intact(meant, [...earlier, ...readRecords(folder)]) }
  },
  inject: ({ active, record, ...subject }: FaultContext<F>) =>
    shape(linksOf(subject), record.linksBefore ?? [], active, changesOf),
  heal: ({ others, record, ...subject }: FaultContext<F>) =>
    shape(linksOf(subject), record.linksBefore ?? [], others, changesOf),
})

function linksOf({ target, fault }: Pick<FaultSubject<FaultValue>, 'target' | 'fault'>): Links {
  if (target.links) return target.links
  throw new NearsideError(
    'fault_needs_lab',
    `${fault.kind}: a world on this machine’s own addresses has no network to change`,
    {
      remedy:
        'run `nearside lab up`, which starts the same world with a network between its regions (root, Linux)',
    },
  )
}

const noLinks = ({ effect }: Pick<FaultSubject<FaultValue>, 'effect'>) =>
  new NearsideError('fault_no_links', `${effect}: no such link exists`, {
    remedy: 'see `nearside lab status` for the links; users have links once `nearside lab users` has run',
  })
