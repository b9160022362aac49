import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessId } from '../../lib/proc.ts'
import { type Healed, healLeft } from './left.ts'
import { type FaultRecord, isLeft, readRecords } from './record.ts'
import type { FaultTarget } from './target.ts'

const everyMs = 500

/**
 * Watches over the faults of one owner until there are none left and the owner has let go: heals at once what it leaves
 * when it ends, and what it should have healed by now. `released` resolves when the owner has ended or let go.
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
  // What could not be healed stays on disk for the next command; trying for ever would keep nobody safe.
  for (let round = 0; round < 3 && readRecords(target.folder).some(isTheirs); round += 1) {
    if (round > 0) await sleep(1000)
    healed.push(...(await healLeft(target, isTheirs)))
  }
  return healed
}
