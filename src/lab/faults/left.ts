import { messageOf } from '../../lib/errors.ts'
import { healRecord } from './inject.ts'
import { type FaultRecord, isLeft, readRecords } from './record.ts'
import type { FaultTarget } from './target.ts'
import type { Fault } from './types.ts'

export type Healed = { fault: Fault; error?: string }

/** Heals what commands that are gone have left in force. One that cannot be healed does not keep the others. */
export async function healLeft(
  target: FaultTarget,
  which: (record: FaultRecord) => boolean = (record) => isLeft(record),
): Promise<Healed[]> {
  const healed: Healed[] = []
  // The latest first, as they would have been healed.
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
 * Of a world that is about to be stopped: nothing stands still any more, no disk is full, and whoever holds a fault has
 * nothing left to heal. Regions that are dead stay dead, and what ends with the world anyway is left to end with it.
 */
export function dropFaults(target: FaultTarget): Promise<Healed[]> {
  const nothing = async () => undefined
  const links = { now: async () => [], set: nothing }
  return healLeft({ ...target, startRegion: nothing, resumeReplay: nothing, links }, () => true)
}
