import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheDir } from '../../setup/paths.mjs'
import type { RegionStatus } from '../agent/http/status.ts'
import { logStart, logStartFile } from '../agent/supervision/log-start.ts'
import { NearsideError } from '../lib/errors.ts'
import { HttpError } from '../lib/http.ts'
import {
  allPids,
  identify,
  isAlive,
  lookAt,
  type Process,
  type ProcessId,
  signal,
  uptimeSeconds,
} from '../lib/proc.ts'
import { modulePath } from '../lib/program.ts'
import type { Region } from '../topology/regions.ts'
import type { WorldHandle } from './handle.ts'
import { redactor, renderLine } from './logs/render.ts'
import { tailOf } from './logs/tail.ts'
import { exists, insideOf as insideNamespace } from './namespaces/enter.ts'
import { namespaceOf } from './namespaces/names.ts'
import { isAgent } from './processes.ts'

const agentProgram = modulePath('../agent/main', import.meta.url)
/** An agent needs about 20 MB of heap: small semi-spaces keep its memory low, the limit contains a leak. */
const heapFlags = ['--max-old-space-size=128', '--max-semi-space-size=1', '--optimize-for-size']

export type StartedAgent = {
  id: ProcessId
  /** Exit code or signal and last output; undefined while it runs. */
  ended: () => { code: number | null; signal: NodeJS.Signals | null } | undefined
}

/**
 * Starts a region's agent in its own session, so that it outlives this command. The compile cache spares it the
 * TypeScript stripper: about 30 MB of memory and half of its start-up time.
 */
export async function startAgent(world: WorldHandle, region: Region): Promise<StartedAgent> {
  const folder = world.regionFolder(region.name)
  await mkdir(join(folder, 'log'), { recursive: true, mode: 0o700 })
  await mkdir(join(folder, 'run'), { recursive: true, mode: 0o700 })
  const output = openSync(join(folder, 'log', 'agent.log'), 'a', 0o600)
  try {
    await writeFile(logStartFile(folder, 'agent'), String(fstatSync(output).size)).catch(() => undefined)
    const args = [...heapFlags, agentProgram, '--world', world.folder, '--region', region.name]
    const env = { ...process.env, NODE_COMPILE_CACHE: join(cacheDir(process.env), 'compile') }
    const [file, ...words] = [...insideOf(world, region), process.execPath, ...args]
    // Not the current directory of this command: that may be removed while the agent runs.
    const child = spawn(file!, words, {
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
      throw new NearsideError('agent_not_started', `${region.name}: could not start its agent`)
    return { id: identify(child.pid) ?? { pid: child.pid, startTicks: 0 }, ended: () => end }
  } finally {
    closeSync(output)
  }
}

/** Command prefix that runs a command inside a lab region's network; empty for a region on the host network. */
export function insideOf({ record }: WorldHandle, region: Region): string[] {
  if (!record.lab) return []
  const namespace = namespaceOf(record.lab.id, region.index)
  if (exists(namespace)) return insideNamespace(namespace)
  throw new NearsideError('lab_network_missing', `${region.name}: its network namespace is missing`, {
    remedy: 'run `nearside lab up` to create it again',
  })
}

/** The process of a region's agent, whether or not it responds. */
export function agentProcess(world: WorldHandle, region: Region): Process | undefined {
  return allPids()
    .flatMap((pid) => lookAt(pid) ?? [])
    .find((one) => isAgent(one, world.folder, region.name))
}

/** Before it answers, an agent only loads its code and binds its port. */
const startingSeconds = 30

/**
 * The status of a region's agent, once the agent can be used. Waits for an agent that has just started and does not
 * listen yet. Kills one that hangs, or that an interrupted `down` left half stopped: its engines continue to run and
 * the next agent adopts them.
 */
export async function workingAgent(world: WorldHandle, region: Region): Promise<RegionStatus | undefined> {
  for (;;) {
    const answer = await world
      .call<RegionStatus>(region, 'GET', '/v1/status', undefined, 2000)
      .catch((error: NearsideError) => error)
    const status = answer instanceof NearsideError ? undefined : answer
    if (status && !status.agent.stopping) return status
    const agent = agentProcess(world, region)
    if (!agent) return undefined
    const listens = !(answer instanceof NearsideError) || !refused(answer)
    if (listens || uptimeSeconds(agent) > startingSeconds) {
      if (status) await world.call(region, 'POST', '/v1/leave', {}, 30_000).catch(() => undefined)
      await endAgent(agent)
      return undefined
    }
    await sleep(200)
  }
}

/** Nothing listens at its address, so nothing can hang there. */
const refused = ({ cause }: NearsideError) => cause instanceof HttpError && cause.code === 'http_refused'

/** Kills an agent and waits until it has exited. */
export async function endAgent(agent: ProcessId): Promise<void> {
  for (let waited = 0; isAlive(agent) && waited < 1000; waited += 20) await sleep(20)
  signal(agent, 'SIGKILL')
  while (isAlive(agent)) await sleep(20)
}

/** The reason an agent gave for its exit, and the end of its log. */
export async function lastWords(world: WorldHandle, region: Region): Promise<{ why?: string; tail: string }> {
  const folder = world.regionFolder(region.name)
  const lines = await tailOf(join(folder, 'log', 'agent.log'), 8, logStart(folder, 'agent'))
  const redact = redactor(Object.values(world.secrets))
  const said = lines.map((line) => fatal(line)).findLast((why) => why !== undefined)
  return {
    ...(said === undefined ? {} : { why: redact(said) }),
    tail: lines.map((line) => `  ${redact(renderLine(line))}`).join('\n'),
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
