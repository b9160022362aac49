import { spawn } from 'node:child_process'
import { identify, type ProcessId, sessionOf, signal } from '../../lib/proc.ts'
import { modulePath } from '../../lib/program.ts'
import type { PreparedCommand } from '../supervision/launch.ts'

/** Input of a release's keeper. It comes on standard input, so no secret is among the arguments. */
export type KeeperInput = {
  database: { host: string; port: number; user: string; password?: string; database: string }
  command: PreparedCommand
}

type ReleaseEnd =
  | { kind: 'ok' }
  | { kind: 'failed'; why: string }
  /** The command was stopped because the primary was lost or the region stops. How far it got is unknown. */
  | { kind: 'interrupted' }

/** Exit code of a keeper that lost its lock or was asked to stop, and has stopped the command. */
export const interruptedCode = 75

const keeper = modulePath('./keeper', import.meta.url)

/**
 * Runs a release command under an advisory lock in the primary, which a separate keeper process holds for as long as
 * the command runs. Both outlive the agent. By the lock, the next agent waits for them, in any region.
 */
export async function runExclusively(input: {
  database: KeeperInput['database']
  command: PreparedCommand
  /** Working folder of the keeper. */
  folder: string
  /** Variables that identify the keeper as a process of the region. */
  mark: Record<string, string>
  /** Descriptor of a file that is open for writing. */
  log: number
}): Promise<ReleaseEnd> {
  const { database, command, folder, mark, log } = input
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [keeper], {
      cwd: folder,
      env: { ...process.env, ...mark },
      // Starts a new session, by which all processes that the command has left behind can be found and stopped.
      detached: true,
      stdio: ['pipe', log, log],
    })
    const id = child.pid === undefined ? undefined : identify(child.pid)
    child.on('error', (error) => resolve({ kind: 'failed', why: error.message }))
    child.on('exit', (code, name) => {
      if (code === 0) return resolve({ kind: 'ok' })
      if (code === interruptedCode) return resolve({ kind: 'interrupted' })
      if (name !== null && id) for (const one of descendantsOf(id)) signal(one, 'SIGKILL')
      resolve({ kind: 'failed', why: name ?? `exit ${code}` })
    })
    child.stdin!.on('error', () => undefined)
    child.stdin!.end(JSON.stringify({ database, command } satisfies KeeperInput))
  })
}

/** The keeper's direct and indirect children that have stayed in its session. */
export const descendantsOf = (keeper: Pick<ProcessId, 'pid'>): ProcessId[] =>
  sessionOf(keeper.pid).filter((one) => one.pid !== keeper.pid)
