import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  allPids,
  identify,
  isAlive,
  lookAt,
  type ProcessId,
  signal,
  withDescendants,
} from '../../../src/lib/proc.ts'

/**
 * A world's processes from /proc, without asking agents: engines by their working directory, agents and apps by a mark
 * in their environment, and all of their descendants.
 */

/** Environment variable of `nearside up`, inherited by agents and apps. */
export const worldMark = 'WORLD_UNDER_TEST'

export const regionPath = (folder: string, region: string) => join(folder, 'regions', region)

export function processesOfWorld(folder: string): ProcessId[] {
  const marked = allPids().filter((pid) => environment(pid)[worldMark] === folder)
  return identified([...marked, ...workingIn(folder)])
}

/** Everything that a power failure in this region would kill, including its agent. */
export function processesOfRegion(folder: string, region: string): ProcessId[] {
  const apps = allPids().filter((pid) => {
    const env = environment(pid)
    return env[worldMark] === folder && env.NEARSIDE_REGION === region
  })
  return identified([...agentsOf(folder, region), ...apps, ...workingIn(regionPath(folder, region))])
}

/** Every engine works in its region's folder, even an orphan (PostgreSQL outlives a killed Patroni). */
function workingIn(folder: string): number[] {
  return allPids().filter((pid) => {
    const at = lookAt(pid)?.workingFolder
    return at !== undefined && (at === folder || at.startsWith(`${folder}/`))
  })
}

export function agentsOf(folder: string, region: string): number[] {
  return allPids().filter((pid) => {
    const words = readProc(pid, 'cmdline').split('\0')
    return (
      words.some((word) => word.endsWith('/agent/main.ts')) &&
      words[words.indexOf('--world') + 1] === folder &&
      words[words.indexOf('--region') + 1] === region
    )
  })
}

export const commandName = (pid: number) => readProc(pid, 'comm').trim()

export function parentOf(pid: number): number {
  const text = readProc(pid, 'stat')
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
}

export function childrenOf(pid: number): number[] {
  return withDescendants([pid]).slice(1)
}

/** These processes and their descendants. */
export const processesBelow = (pids: number[]): ProcessId[] => identified(pids)

/**
 * Whether no thread is left. A process whose first thread has exited appears dead, but its other threads may hold its
 * sockets open for a while.
 */
export function isGone(pid: number): boolean {
  let threads: string[]
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    return true
  }
  return threads.every((thread) => /^$|\) [ZX] /.test(readProc(pid, `task/${thread}/stat`)))
}

/** Sends SIGKILL to all of them, repeatedly for processes started meanwhile, until none is left. */
export async function killAll(find: () => ProcessId[]): Promise<void> {
  const killed = new Set<number>()
  await untilNone(find, (id) => {
    killed.add(id.pid)
    signal(id, 'SIGKILL')
  })
  await untilNone(
    () => [...killed].filter((pid) => !isGone(pid)).map((pid) => ({ pid, startTicks: 0 })),
    () => undefined,
  )
}

/** Suspends them, including processes started meanwhile. */
export async function pauseAll(find: () => ProcessId[]): Promise<ProcessId[]> {
  await untilNone(
    () => find().filter((id) => stateOf(id.pid) !== 'T'),
    (id) => signal(id, 'SIGSTOP'),
  )
  return find()
}

async function untilNone(find: () => ProcessId[], act: (id: ProcessId) => void): Promise<void> {
  const deadline = performance.now() + 30_000
  for (let left = find(); left.length > 0; left = find()) {
    if (performance.now() > deadline) throw new Error(`still there: ${left.map((id) => id.pid).join(', ')}`)
    left.forEach(act)
    await delay(10)
  }
}

function stateOf(pid: number): string | undefined {
  const text = readProc(pid, 'stat')
  return text === '' ? 'T' : text.slice(text.lastIndexOf(')') + 2)[0]
}

function identified(pids: number[]): ProcessId[] {
  const mine = process.pid
  return [...new Set(withDescendants(pids))]
    .filter((pid) => pid !== mine)
    .map(identify)
    .filter((id) => id !== undefined)
    .filter(isAlive)
}

function environment(pid: number): Record<string, string> {
  const entries = readProc(pid, 'environ').split('\0')
  return Object.fromEntries(
    entries.filter((entry) => entry.includes('=')).map((entry) => splitOnce(entry)) as [string, string][],
  )
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
}

/** '' for a process that has exited or is not readable. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}
