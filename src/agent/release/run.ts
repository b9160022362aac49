import { spawn } from 'node:child_process'
import { identify, type ProcessId, sessionOf, signal } from '../../lib/proc.ts'
import { modulePath } from '../../lib/program.ts'
import type { Dressed } from '../supervision/launch.ts'

/** What the keeper of a release is told, on its standard input: no secret of it shows among its arguments. */
export type KeeperOrder = {
  database: { host: string; port: number; user: string; password?: string; database: string }
  command: Dressed
}

type ReleaseEnd =
  | { kind: 'ok' }
  | { kind: 'failed'; why: string }
  /** Nobody knows how far it came: the primary went away, or something ended it from outside. */
  | { kind: 'interrupted' }

/** Exit code of a keeper that lost its lock or was asked to end, and has ended the command. */
export const interruptedCode = 75

const keeper = modulePath('./keeper', import.meta.url)

/**
 * Runs a release command while a keeper, a process of its own, holds an advisory lock in the primary for as long as
 * the command runs. Both outlive us; whoever comes next waits for them by that lock, in whatever region.
 */
export async function runAlone(order: {
  database: KeeperOrder['database']
  command: Dressed
  /** Working folder of the keeper. */
  folder: string
  /** Variables by which the keeper is known as the region's. */
  mark: Record<string, string>
  /** A file that is open for writing. */
  log: number
}): Promise<ReleaseEnd> {
  const { database, command, folder, mark, log } = order
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [keeper], {
      cwd: folder,
      env: { ...process.env, ...mark },
      // Of a session of its own: by that whatever the command has left can be found and ended.
      detached: true,
      stdio: ['pipe', log, log],
    })
    const id = child.pid === undefined ? undefined : identify(child.pid)
    child.on('error', (error) => resolve({ kind: 'failed', why: error.message }))
    child.on('exit', (code, name) => {
      if (code === 0) return resolve({ kind: 'ok' })
      if (code === interruptedCode) return resolve({ kind: 'interrupted' })
      if (name !== null && id) for (const one of restOf(id)) signal(one, 'SIGKILL')
      resolve({ kind: 'failed', why: name ?? `exit ${code}` })
    })
    child.stdin!.on('error', () => undefined)
    child.stdin!.end(JSON.stringify({ database, command } satisfies KeeperOrder))
  })
}

/** What a keeper has started and what that has started, as long as it stayed in the keeper's session. */
export const restOf = (keeper: Pick<ProcessId, 'pid'>): ProcessId[] =>
  sessionOf(keeper.pid).filter((one) => one.pid !== keeper.pid)
