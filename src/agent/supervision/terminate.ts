import { setTimeout as sleep } from 'node:timers/promises'
import { identify, isAlive, type ProcessId, signal, withDescendants } from '../../lib/proc.ts'
import type { PlanProcess } from '../../plan.ts'

const pollMs = 20

/** Sends a process its stop signal. After the timeout, it is killed together with all its descendants. */
export async function terminate(id: ProcessId, how: PlanProcess['stop']): Promise<void> {
  const family = withDescendants([id.pid])
    .map(identify)
    .filter((member) => member !== undefined)
  if (!signal(id, how.signal)) return
  const deadlineMs = performance.now() + how.timeoutMs
  while (isAlive(id) && performance.now() < deadlineMs) await sleep(pollMs)
  for (const member of family) signal(member, 'SIGKILL')
  while (isAlive(id)) await sleep(pollMs)
}
