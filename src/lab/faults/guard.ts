import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessId } from '../../lib/proc.ts'
import { type Healed, healLeft } from './heal-left.ts'
import { type FaultRecord, isLeft, readRecords } from './record.ts'
import type { FaultTarget } from './target.ts'

const everyMs = 500

/**
 * Watches the faults of one process, the owner, and heals overdue ones. Once `released` resolves (the owner has ended
 * or no longer needs a guard), it heals the owner's remaining faults and returns.
 */
export async function guard(
  target: FaultTarget,
  owner: ProcessId,
  released: Promise<unknown>,
): Promise<Healed[]> {
  const isTheirs = (record: FaultRecord) =>
    record.owner.pid === owner.pid && record.owner.startTicks === owner.startTicks
  const healed: Healed[] = []
  let over = false
  void released.then(() => {
    over = true
  })
  while (!over) {
    await Promise.race([released, sleep(everyMs, undefined, { ref: true })])
    if (!over) healed.push(...(await healLeft(target, (record) => isTheirs(record) && isLeft(record))))
  }
  // A fault that still cannot be healed keeps its record for the next command; retrying forever is pointless.
  for (let round = 0; round < 3 && readRecords(target.folder).some(isTheirs); round += 1) {
    if (round > 0) await sleep(1000)
    healed.push(...(await healLeft(target, isTheirs)))
  }
  return healed
}
