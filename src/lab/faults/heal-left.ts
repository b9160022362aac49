import { messageOf } from '../../lib/errors.ts'
import type { FaultValue } from './fault.ts'
import { healRecord } from './inject.ts'
import { type FaultRecord, isLeft, readRecords } from './record.ts'
import type { FaultTarget } from './target.ts'

export type Healed = { fault: FaultValue; error?: string }

/** Heals faults whose commands have ended. A failure does not stop the others. */
export async function healLeft(
  target: FaultTarget,
  which: (record: FaultRecord) => boolean = (record) => isLeft(record),
): Promise<Healed[]> {
  const healed: Healed[] = []
  // Latest first, in the order in which their commands would have healed them.
  for (const record of readRecords(target.folder).filter(which).reverse())
    try {
      await healRecord(target, record)
      healed.push({ fault: record.fault })
    } catch (error) {
      healed.push({ fault: record.fault, error: messageOf(error) })
    }
  return healed
}

/**
 * Heals all faults of a world that is about to stop: resumes paused processes and frees full disks, so that their
 * commands have nothing left to heal. Killed regions stay down; faults that end with the world are left alone.
 */
export function dropFaults(target: FaultTarget): Promise<Healed[]> {
  const nothing = async () => undefined
  const links = { now: async () => [], set: nothing }
  return healLeft({ ...target, startRegion: nothing, resumeReplay: nothing, links }, () => true)
}
