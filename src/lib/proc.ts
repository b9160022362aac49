import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * Processes as /proc shows them. The kernel reuses process ids, so an id alone identifies nothing. Id and start time
 * together identify one process until the machine reboots.
 */
export type ProcessId = { pid: number /** In clock ticks since boot. */; startTicks: number }

type Stat = {
  state: string
  parent: number
  session: number
  /** 0 without a controlling terminal. */
  terminal: number
  startTicks: number
  rssPages: number
  cpuTicks: number
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return {
      state: fields[0]!,
      parent: Number(fields[1]),
      session: Number(fields[3]),
      terminal: Number(fields[4]),
      cpuTicks: Number(fields[11]) + Number(fields[12]),
      startTicks: Number(fields[19]),
      rssPages: Number(fields[21]),
    }
  } catch {
    return undefined
  }
}

export function identify(pid: number): ProcessId | undefined {
  const stat = statOf(pid)
  return stat && stat.state !== 'Z' ? { pid, startTicks: stat.startTicks } : undefined
}

/** A zombie counts as dead. */
export function isAlive(id: ProcessId): boolean {
  const stat = statOf(id.pid)
  return stat !== undefined && stat.startTicks === id.startTicks && stat.state !== 'Z'
}

/** By SIGSTOP or a debugger; SIGCONT resumes it. */
export function isStopped(id: ProcessId): boolean {
  const stat = statOf(id.pid)
  return stat !== undefined && stat.startTicks === id.startTicks && (stat.state === 'T' || stat.state === 't')
}

/** Resident memory in bytes (4 KiB pages) and CPU time in seconds (100 ticks per second); undefined if it is gone. */
export function usage(id: ProcessId): { rssBytes: number; cpuSeconds: number } | undefined {
  const stat = statOf(id.pid)
  if (stat?.startTicks !== id.startTicks) return undefined
  return { rssBytes: stat.rssPages * 4096, cpuSeconds: stat.cpuTicks / 100 }
}

/** Seconds since this process started. */
export function uptimeSeconds(id: ProcessId): number {
  const sinceBoot = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  return Math.max(0, sinceBoot - id.startTicks / 100)
}

export type Process = ProcessId & {
  parent: number
  session: number
  /** False for programs with a terminal: a shell, an editor, `tail -f`. */
  daemon: boolean
  /** Program name, truncated to 15 bytes by the kernel. */
  name: string
  /** Empty when the process has overwritten it or we may not read it. */
  command: string[]
  workingFolder: string | undefined
  /** From the environment that the process was started with; undefined when unset or unreadable. */
  variable(name: string): string | undefined
}

/** All that /proc knows of a process; undefined if it is gone. Fields of another user's process may be empty. */
export function lookAt(pid: number): Process | undefined {
  const stat = statOf(pid)
  if (!stat || stat.state === 'Z') return undefined
  const { parent, session, terminal, startTicks } = stat
  let environment: string[] | undefined
  return {
    pid,
    startTicks,
    parent,
    session,
    daemon: terminal === 0,
    name: readText(pid, 'comm').trim(),
    command: readText(pid, 'cmdline').split('\0').slice(0, -1),
    workingFolder: readLink(pid, 'cwd'),
    variable(name) {
      environment ??= readText(pid, 'environ').split('\0')
      return environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
    },
  }
}

function readText(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

function readLink(pid: number, file: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${file}`)
  } catch {
    return undefined
  }
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Every process in this session, even if its parent has changed. */
export const sessionOf = (session: number): ProcessId[] =>
  allPids().flatMap((pid) => {
    const stat = statOf(pid)
    return stat?.session === session && stat.state !== 'Z' ? [{ pid, startTicks: stat.startTicks }] : []
  })

/** These processes and all their descendants, the given ones first. */
export function withDescendants(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>()
  for (const pid of allPids()) {
    const parent = statOf(pid)?.parent
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found = [...new Set(roots)]
  for (let next = 0; next < found.length; next += 1)
    for (const child of children.get(found[next]!) ?? []) if (!found.includes(child)) found.push(child)
  return found
}

/** This process and its ancestors. */
export function selfAndAncestors(): Set<number> {
  const found = new Set<number>()
  for (let pid = process.pid; pid > 1 && !found.has(pid); pid = statOf(pid)?.parent ?? 0) found.add(pid)
  return found
}

/** False when the process no longer exists. */
export function signal(id: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false
  try {
    process.kill(id.pid, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
