import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir } from '../../setup/paths.mjs'
import { NearsideError } from '../lib/errors.ts'
import { identify, type ProcessId } from '../lib/proc.ts'
import type { Region } from '../topology/regions.ts'
import { renderLine } from './logs/render.ts'
import { tailOf } from './logs/tail.ts'
import type { WorldHandle } from './world.ts'

const agentProgram = fileURLToPath(new URL('../agent/main.ts', import.meta.url))
/** An agent needs some 20 MB of heap: small spaces keep its memory small, the bound keeps a leak from the machine. */
const heapFlags = ['--max-old-space-size=128', '--max-semi-space-size=1', '--optimize-for-size']

export type StartedAgent = {
  id: ProcessId
  /** How it ended, once it has: undefined while it runs. */
  ended: () => { code: number | null; signal: NodeJS.Signals | null } | undefined
}

/**
 * Starts a region's agent in a session of its own, so that it outlives this command. The cache of compiled code saves
 * it the TypeScript stripper, some 30 MB of memory and half of its start.
 */
export async function startAgent(world: WorldHandle, region: Region): Promise<StartedAgent> {
  const folder = world.regionFolder(region.name)
  await mkdir(join(folder, 'log'), { recursive: true, mode: 0o700 })
  const output = openSync(join(folder, 'log', 'agent.log'), 'a', 0o600)
  try {
    const args = [...heapFlags, agentProgram, '--world', world.folder, '--region', region.name]
    const env = { ...process.env, NODE_COMPILE_CACHE: join(cacheDir(process.env), 'compile') }
    // Not the folder in which the command was typed: that may be removed while the agent lives.
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env,
      detached: true,
      stdio: ['ignore', output, output],
    })
    let end: ReturnType<StartedAgent['ended']>
    child.on('exit', (code, signal) => {
      end = { code, signal }
    })
    child.on('error', () => {
      end = { code: 127, signal: null }
    })
    child.unref()
    if (child.pid === undefined)
      throw new NearsideError('agent_not_started', `${region.name}: its agent did not start`)
    return { id: identify(child.pid) ?? { pid: child.pid, startTicks: 0 }, ended: () => end }
  } finally {
    closeSync(output)
  }
}

/** Why an agent died, by its own last words, and the end of its log. */
export async function lastWords(world: WorldHandle, region: Region): Promise<{ why?: string; tail: string }> {
  const file = join(world.regionFolder(region.name), 'log', 'agent.log')
  const lines = await tailOf(file, 8)
  const said = lines.map((line) => fatal(line)).findLast((why) => why !== undefined)
  return {
    ...(said === undefined ? {} : { why: said }),
    tail: lines.map((line) => `  ${renderLine(line)}`).join('\n'),
  }
}

function fatal(line: string): string | undefined {
  try {
    const entry = JSON.parse(line) as { level?: number; error?: string }
    return entry.level === 60 ? entry.error : undefined
  } catch {
    return undefined
  }
}
