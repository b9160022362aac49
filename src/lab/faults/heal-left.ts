import { messageOf } from '../../lib/errors.ts'
import type { FaultValue } from './fault.ts'
import { healRecord } from './inject.ts'
import { type FaultRecord, isLeft, readRecords } from './record.ts'
import type { FaultTarget } from './target.ts'

export type Healed = { fault: FaultValue; error?: string }

/** Heals faults whose commands have ended. One that cannot be healed does not keep the others from it. */
export async function healLeft(
  target: FaultTarget,
  which: (record: FaultRecord) => boolean = (record) => isLeft(record),
): Promise<Healed[]> {
  const healed: Healed[] = []
  // The latest first, as their commands would have done.
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
 * Heals all faults of a world that is about to be stopped: paused processes run, full disks are freed, and their commands
 * find nothing left to heal. Dead regions stay dead, and what ends with the world is left to end with it.
 */
export function dropFaults(target: FaultTarget): Promise<Healed[]> {
  const nothing = async () => undefined
  const links = { now: async () => [], set: nothing }
  return healLeft({ ...target, startRegion: nothing, resumeReplay: nothing, links }, () => true)
}
