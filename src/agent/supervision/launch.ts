import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { childPid, sandboxCommand } from '../../engines/root/sandbox.ts'
import { NearsideError } from '../../lib/errors.ts'
import { writeAside } from '../../lib/files.ts'
import { identify, isAlive, type ProcessId, signal } from '../../lib/proc.ts'
import type { PlanFile, PlanProcess } from '../../plan.ts'
import { folderVariable } from '../layout.ts'
import { reload } from './reload.ts'

/**
 * Starting a process so that it outlives us, and finding it again. It gets a session of its own and files instead of
 * pipes for its output: an agent that is killed takes nothing with it.
 */

/** `run/<name>.json`: the process that an agent started, for the next agent to adopt. */
type Record_ = ProcessId & { spec: Spec; startedAt: number }

export type Launcher = {
  launch(process: PlanProcess): Promise<ProcessId>
  /** The process that an earlier agent started, if it lives, and how it differs from what the plan wants now. */
  recorded(process: PlanProcess): { id: ProcessId; differs: Difference } | undefined
  /** Resolves to why the running process refuses its new files, undefined when they are in force. */
  reload(process: PlanProcess): Promise<string | undefined>
  forget(process: PlanProcess): Promise<void>
  /** A short command run as this process would be. */
  dress(run: PlanProcess['run'], command: string[], env: Record<string, string>, cwd?: string): Dressed
}

export type Dressed = {
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
}

export function launcher(options: { root: string; folder: string; files: readonly PlanFile[] }): Launcher {
  const { root, folder } = options
  const recordFile = (process: PlanProcess) => join(folder, 'run', `${process.name}.json`)

  const dress: Launcher['dress'] = (run, command, env, cwd = folder) => {
    const marked = { ...env, [folderVariable]: folder }
    if (run === 'host')
      return {
        file: command[0]!,
        args: command.slice(1),
        // A shell would have set PWD; the one that was inherited is that of `nearside up`.
        env: { ...hostEnvironment(), PWD: cwd, ...marked },
        cwd,
      }
    const runDir = join(folder, 'run')
    const inside = { root, binds: [{ path: folder }], runDir, cwd: folder, env: marked, command }
    return { ...sandboxCommand({ ...inside, lifetime: 'tied' }), cwd: folder }
  }

  const note = (process: PlanProcess, { pid, startTicks, startedAt }: Omit<Record_, 'spec'>) => {
    const record: Record_ = { pid, startTicks, spec: specOf(process, options.files), startedAt }
    return writeAside(recordFile(process), JSON.stringify(record), 0o600)
  }

  /** Resolves once the process itself exists: for an engine the one inside the sandbox, not its monitor. */
  const begin = async (process: PlanProcess, log: number): Promise<number> => {
    if (process.run === 'host') {
      const { file, args, env, cwd } = dress('host', process.command, process.env, process.cwd)
      return started(spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', log, log] }))
    }
    const inside = { root, binds: [{ path: folder }], runDir: join(folder, 'run'), cwd: folder, infoFd: 3 }
    const marked = { ...process.env, [folderVariable]: folder }
    const { file, args, env } = sandboxCommand({ ...inside, env: marked, command: process.command })
    const child = spawn(file, args, { cwd: folder, env, detached: true, stdio: ['ignore', log, log, 'pipe'] })
    await started(child)
    // Read to its end: bubblewrap writes in pieces, and a pipe closed before the last one stops it halfway.
    let info = ''
    for await (const part of child.stdio[3] as Readable) info += String(part)
    const pid = childPid(info)
    if (pid !== undefined) return pid
    throw new NearsideError('sandbox_failed', `${process.name}: bubblewrap could not start it`, {
      remedy: `see ${join(folder, 'log', `${process.name}.log`)}`,
    })
  }

  return {
    dress,

    async launch(process) {
      const log = openSync(join(folder, 'log', `${process.name}.log`), 'a', 0o600)
      try {
        const pid = await begin(process, log)
        const id = identify(pid) ?? { pid, startTicks: 0 }
        await note(process, { ...id, startedAt: Date.now() }).catch((error) => {
          // Nobody would find it again.
          signal(id, 'SIGKILL')
          throw error
        })
        return id
      } finally {
        closeSync(log)
      }
    },

    recorded(process) {
      const record = readRecord(recordFile(process))
      if (!record || !isAlive(record)) return undefined
      const { pid, startTicks } = record
      const differs = differenceBetween(record.spec, specOf(process, options.files))
      return { id: { pid, startTicks }, differs }
    },

    async reload(process) {
      const record = readRecord(recordFile(process))
      if (!process.reload || !record) return 'nothing runs that could take new files over'
      const why = await reload(process, process.reload, folder, { dress })
      // When it cannot be noted, or this agent dies before, the next agent reloads once more: that does no harm.
      if (why === undefined) await note(process, record).catch(() => undefined)
      return why
    },

    forget: (process) => rm(recordFile(process), { force: true }),
  }
}

function readRecord(file: string): Record_ | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record_
  } catch {
    return undefined
  }
}

function started(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => {
      child.unref()
      resolve(child.pid!)
    })
    child.once('error', reject)
  })
}

/** Digests of what a process runs with: what only a start can change, and what a reload changes as well. */
type Spec = { start: string; files: string }

export type Difference = 'none' | 'files' | 'start'

export function specOf(process: PlanProcess, files: readonly PlanFile[]): Spec {
  const { command, env, run, cwd } = process
  const own = filesOf(process, files)
  const [started, reloaded] = process.reload ? [[], own] : [own, []]
  return { start: digest([command, env, run, cwd, started]), files: digest(reloaded) }
}

export function differenceBetween(before: Spec, now: Spec): Difference {
  if (before.start !== now.start) return 'start'
  return before.files === now.files ? 'none' : 'files'
}

const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** The files that belong to a process by name: `etc/haproxy.cfg`, `etc/haproxy/…` to haproxy. */
function filesOf(process: PlanProcess, files: readonly PlanFile[]): string[] {
  const names = [process.name, process.engine, ...(process.name === 'postgres' ? ['patroni'] : [])]
  return files
    .filter((file) =>
      names.some((name) => file.path.startsWith(`etc/${name}.`) || file.path.startsWith(`etc/${name}/`)),
    )
    .map((file) => `${file.path}\n${file.content}`)
}

/** The app is the user's own program: it gets the environment in which `nearside up` was called. */
function hostEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isOurs(entry[0]),
  )
  return Object.fromEntries(kept)
}

/** Ours and not the user's: the launcher's cache of compiled code, and what steers Nearside itself. */
const isOurs = (name: string) => name.startsWith('NEARSIDE_') || name === 'NODE_COMPILE_CACHE'
