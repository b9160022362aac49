import { spawn } from 'node:child_process'
import { identify } from '../../lib/proc.ts'
import { modulePath } from '../../lib/program.ts'
import type { WorldHandle } from '../../world/handle.ts'

const guardProgram = modulePath('./guard-child', import.meta.url)

/**
 * Heals this process's faults when it ends, even by SIGKILL. Release it once no fault is active.
 */
export function startGuard(world: WorldHandle): { release: () => void } {
  const me = identify(process.pid)!
  const args = ['--world', world.folder, '--pid', String(me.pid), '--ticks', String(me.startTicks)]
  const child = spawn(process.execPath, [guardProgram, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  return { release: () => void child.stdin.end() }
}
