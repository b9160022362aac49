import type { EndUpkeep, FaultContext, FaultSubject } from './driver.ts'
import type { FaultValue } from './fault.ts'
import {
  activeRecords,
  type FaultRecord,
  markHealing,
  readRecords,
  removeRecord,
  writeRecord,
} from './record.ts'
import { driverOf } from './table.ts'
import type { FaultTarget } from './target.ts'

/** An active fault. `heal` may be called more than once. */
export type Injected = { record: FaultRecord; heal: () => Promise<void> }

/**
 * Injects a fault and resolves once it is active. Its record is on disk before that: if this process ends before
 * `heal`, another process heals it from the record (the guard immediately). If injection fails, the fault is healed
 * before this rejects.
 */
export async function inject(target: FaultTarget, fault: FaultValue): Promise<Injected> {
  const driver = driverOf(fault)
  const subject = subjectOf(target, fault)
  driver.requires?.(subject)
  const record = await writeRecord(target.folder, fault, await driver.capture?.(subject))
  let healing: Promise<void> | undefined
  let endUpkeep: EndUpkeep = () => undefined
  const heal = () => {
    healing ??= (async () => {
      await endUpkeep()
      await healRecord(target, record)
    })().catch((error) => {
      // A later attempt may succeed.
      healing = undefined
      throw error
    })
    return healing
  }
  try {
    await driver.inject(contextOf(target, record), (end) => {
      endUpkeep = end
    })
    return { record, heal }
  } catch (error) {
    // If healing fails as well, the record stays for the next command.
    await heal().catch(() => undefined)
    throw error
  }
}

/** Heals a record's fault and removes the record. Other active faults stay active. */
export async function healRecord(target: FaultTarget, record: FaultRecord): Promise<void> {
  // Another command has healed it. After `nearside down`, healing must not start a region.
  if (!readRecords(target.folder).some(({ id }) => id === record.id)) return
  await markHealing(target.folder, record)
  await driverOf(record.fault).heal(contextOf(target, record))
  removeRecord(target.folder, record.id)
}

/** Throws if the target cannot have the fault. Call it before announcing or doing anything. */
export function refuseImpossible(target: FaultTarget, fault: FaultValue): void {
  driverOf(fault).requires?.(subjectOf(target, fault))
}

const subjectOf = (target: FaultTarget, fault: FaultValue): FaultSubject<FaultValue> => ({
  target,
  fault,
  effect: driverOf(fault).describe(fault),
})

function contextOf(target: FaultTarget, record: FaultRecord): FaultContext<FaultValue> {
  const active = () => activeRecords(target.folder)
  const others = () => active().filter(({ id }) => id !== record.id)
  const held = () => others().flatMap(({ fault }) => driverOf(fault).stops?.(fault) ?? [])
  return { ...subjectOf(target, record.fault), record, active, others, held }
}
