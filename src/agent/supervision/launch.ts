import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { childPid, sandboxCommand } from '../../engines/root/sandbox.ts'
import { NearsideError } from '../../lib/errors.ts'
import { writeAside } from '../../lib/files.ts'
import { identify, isAlive, type ProcessId, signal } from '../../lib/proc.ts'
import type { PlanFile, PlanProcess } from '../../plan.ts'
import { folderVariable } from '../layout.ts'
import { logStartFile } from './log-start.ts'
import { reload } from './reload.ts'

/**
 * Starts processes so that they outlive the agent, and finds them again. Each gets its own session, and files instead
 * of pipes for its output, so killing an agent does not affect it.
 */

/** `run/<name>.json`: a process that an agent has started, for the next agent to adopt. */
type ProcessRecord = ProcessId & { spec: Spec; startedAt: number }

export type Launcher = {
  launch(process: PlanProcess): Promise<ProcessId>
  /** The process that an earlier agent started, if it is still alive, and how it differs from the plan. */
  recorded(process: PlanProcess): { id: ProcessId; differs: Difference } | undefined
  /** Resolves to the reason why the running process refuses its new files, or to undefined once it uses them. */
  reload(process: PlanProcess): Promise<string | undefined>
  forget(process: PlanProcess): Promise<void>
  /** Arguments for `spawn` that run a short command in the same environment as such a process. */
  prepare(
    run: PlanProcess['run'],
    command: string[],
    env: Record<string, string>,
    cwd?: string,
  ): PreparedCommand
}

export type PreparedCommand = {
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
}

export function launcher(options: { root: string; folder: string; files: readonly PlanFile[] }): Launcher {
  const { root, folder } = options
  const recordFile = (process: PlanProcess) => join(folder, 'run', `${process.name}.json`)

  const prepare: Launcher['prepare'] = (run, command, env, cwd = folder) => {
    const marked = { ...env, [folderVariable]: folder }
    if (run === 'host')
      return {
        file: command[0]!,
        args: command.slice(1),
        // A shell would set PWD; the inherited value is that of `nearside up`.
        env: { ...hostEnvironment(), PWD: cwd, ...marked },
        cwd,
      }
    const runDir = join(folder, 'run')
    const inside = { root, binds: [{ path: folder }], runDir, cwd: folder, env: marked, command }
    return { ...sandboxCommand({ ...inside, lifetime: 'tied' }), cwd: folder }
  }

  const note = (process: PlanProcess, { pid, startTicks, startedAt }: Omit<ProcessRecord, 'spec'>) => {
    const record: ProcessRecord = { pid, startTicks, spec: specOf(process, options.files), startedAt }
    return writeAside(recordFile(process), JSON.stringify(record), 0o600)
  }

  /**
   * Resolves to the process id once the process itself exists: for an engine the one in the sandbox, not bubblewrap.
   */
  const start = async (process: PlanProcess, log: number): Promise<number> => {
    if (process.run === 'host') {
      const { file, args, env, cwd } = prepare('host', process.command, process.env, process.cwd)
      return started(spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', log, log] }))
    }
    const inside = {
      ...{ root, binds: [{ path: folder }], runDir: join(folder, 'run'), cwd: folder, infoFd: 3 },
      // An ordinary user has no capability to give, and binds such a port only where the machine lets everyone do so.
      bindsLowPorts: process.bindsLowPorts === true && isRoot(),
    }
    const marked = { ...process.env, [folderVariable]: folder }
    const { file, args, env } = sandboxCommand({ ...inside, env: marked, command: process.command })
    const child = spawn(file, args, { cwd: folder, env, detached: true, stdio: ['ignore', log, log, 'pipe'] })
    await started(child)
    // Read until the pipe closes: bubblewrap writes in parts, and closing the pipe early would abort it.
    let info = ''
    for await (const part of child.stdio[3] as Readable) info += String(part)
    const pid = childPid(info)
    if (pid !== undefined) return pid
    throw new NearsideError('sandbox_failed', `${process.name}: bubblewrap could not start the process`, {
      remedy: `see ${join(folder, 'log', `${process.name}.log`)}`,
    })
  }

  return {
    prepare,

    async launch(process) {
      const log = openSync(join(folder, 'log', `${process.name}.log`), 'a', 0o600)
      try {
        // Only the end of a log depends on it, so a full disk must not keep the process from starting.
        await writeFile(logStartFile(folder, process.name), String(fstatSync(log).size)).catch(
          () => undefined,
        )
        const pid = await start(process, log)
        const id = identify(pid) ?? { pid, startTicks: 0 }
        await note(process, { ...id, startedAt: Date.now() }).catch((error) => {
          // Without a record, no agent could ever find the process again.
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
      const why = await reload(process, process.reload, folder, { prepare })
      // When it cannot be noted, or this agent dies before, the next agent reloads once more: that does no harm.
      if (why === undefined) await note(process, record).catch(() => undefined)
      return why
    },

    forget: (process) => rm(recordFile(process), { force: true }),
  }
}

// The parameter of the functions above is called `process`.
const isRoot = () => globalThis.process.geteuid?.() === 0

function readRecord(file: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord
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

/**
 * Digests of what a process runs with. `start`: its command and environment, which only a restart changes. `files`: its
 * files, which a reload changes as well.
 */
type Spec = { start: string; files: string }

export type Difference = 'none' | 'files' | 'start'

export function specOf(process: PlanProcess, files: readonly PlanFile[]): Spec {
  const { command, env, run, cwd, bindsLowPorts } = process
  const own = filesOf(process, files)
  const [started, reloaded] = process.reload ? [[], own] : [own, []]
  // Only if set, so that a process of an earlier version is not restarted for nothing.
  const privilege = bindsLowPorts ? ['low ports'] : []
  return { start: digest([command, env, run, cwd, started, ...privilege]), files: digest(reloaded) }
}

export function differenceBetween(before: Spec, now: Spec): Difference {
  if (before.start !== now.start) return 'start'
  return before.files === now.files ? 'none' : 'files'
}

const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** The files of a process, found by name: `etc/haproxy.cfg` and `etc/haproxy/…` belong to haproxy. */
function filesOf(process: PlanProcess, files: readonly PlanFile[]): string[] {
  const names = [process.name, process.engine, ...(process.name === 'postgres' ? ['patroni'] : [])]
  return files
    .filter((file) =>
      names.some((name) => file.path.startsWith(`etc/${name}.`) || file.path.startsWith(`etc/${name}/`)),
    )
    .map((file) => `${file.path}\n${file.content}`)
}

/** Environment of `nearside up`. The app gets it, since the app is the user's own program. */
function hostEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isOurs(entry[0]),
  )
  return Object.fromEntries(kept)
}

/** Variables of Nearside itself: the launcher's compile cache, and Nearside's settings. */
const isOurs = (name: string) => name.startsWith('NEARSIDE_') || name === 'NODE_COMPILE_CACHE'
