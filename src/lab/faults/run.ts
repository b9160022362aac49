import { setTimeout as sleep } from 'node:timers/promises'
import { describeMs } from '../../lib/format.ts'
import type { Note } from '../../lib/note.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { describeFault, describeHealing } from './describe.ts'
import { boundMs, type FaultValue } from './fault.ts'
import { healLeftFaults } from './heal-world.ts'
import { inject, refuseImpossible } from './inject.ts'
import { openFaultTarget } from './open-target.ts'
import type { FaultRecord } from './record.ts'
import { startGuard } from './start-guard.ts'

/**
 * Injects a fault and heals it when its time is over or the signal aborts. If this process is killed meanwhile, the
 * guard heals the fault.
 */
export async function runFault(
  world: WorldHandle,
  fault: FaultValue,
  { note, signal }: { note: Note; signal: AbortSignal },
): Promise<{ record: FaultRecord; forMs: number }> {
  await healLeftFaults(world, note)
  const target = await openFaultTarget(world, note)
  refuseImpossible(target, fault)
  const guard = startGuard(world)
  try {
    note(`Injecting: ${describeFault(fault)}`)
    const startedMs = performance.now()
    const { record, heal } = await inject(target, fault)
    const healing = describeHealing(fault)
    try {
      if (boundMs(fault) > 0 && healing) {
        note(`Active; in ${describeMs(boundMs(fault))} or on Ctrl-C: ${healing}`)
        await sleep(boundMs(fault), undefined, { signal }).catch(() => undefined)
      }
    } finally {
      await heal()
    }
    return { record, forMs: Math.round(performance.now() - startedMs) }
  } finally {
    guard.release()
  }
}
