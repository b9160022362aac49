import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir } from '../../setup/paths.mjs'
import type { Stage } from '../agent/stages.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { identify, isAlive, type ProcessId } from '../lib/proc.ts'
import type { Region } from '../topology/regions.ts'
import type { WorldHandle } from './client.ts'

const agentProgram = fileURLToPath(new URL('../agent/main.ts', import.meta.url))
/** An agent needs some 20 MB of heap: small spaces keep its memory small, the bound keeps a leak from the machine. */
const heapFlags = ['--max-old-space-size=128', '--max-semi-space-size=1', '--optimize-for-size']

/**
 * Starts a region's agent in a session of its own, so that it outlives this command. The cache of compiled code saves
 * it the TypeScript stripper, some 30 MB of memory and half of its start.
 */
export async function startAgent(world: WorldHandle, region: Region): Promise<ProcessId> {
  const log = join(world.regionFolder(region.name), 'log')
  await mkdir(log, { recursive: true, mode: 0o700 })
  const output = openSync(join(log, 'agent.log'), 'a', 0o600)
  try {
    const args = [...heapFlags, agentProgram, '--world', world.folder, '--region', region.name]
    const env = { ...process.env, NODE_COMPILE_CACHE: join(cacheDir(process.env), 'compile') }
    const child = spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', output, output] })
    child.unref()
    if (child.pid === undefined)
      throw new NearsideError('agent_not_started', `${region.name}: agent did not start`)
    return identify(child.pid) ?? { pid: child.pid, startTicks: 0 }
  } finally {
    closeSync(output)
  }
}

/** The last lines of an agent's log, for the error that says it has died. */
export async function agentLogTail(world: WorldHandle, region: Region): Promise<string> {
  const file = await open(join(world.regionFolder(region.name), 'log', 'agent.log'), 'r')
  try {
    const { size } = await file.stat()
    const { buffer } = await file.read({ position: Math.max(0, size - 4000), buffer: Buffer.alloc(4000) })
    return buffer.toString('utf8').replaceAll('\0', '').trim().split('\n').slice(-3).join('\n')
  } finally {
    await file.close()
  }
}

/** All regions through one stage before the next; what has no agent is killed by what its records say. */
export async function stopWorld(
  world: WorldHandle,
  regions: readonly Region[],
  onStage: (stage: Stage) => void,
): Promise<void> {
  for (const stage of ['users', 'replica', 'primary', 'all'] as const) {
    onStage(stage)
    await Promise.all(
      regions.map((region) =>
        world.call(region, 'POST', '/v1/stop', { stage }, 120_000).catch((error) => {
          if (error instanceof NearsideError && error.code === 'agent_unreachable') return
          throw new NearsideError('stop_failed', `${region.name}: ${messageOf(error)}`, { cause: error })
        }),
      ),
    )
  }
}

export { isAlive }
