import { spawn } from 'node:child_process'
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { NearsideError } from './errors.ts'
import { makeFolder } from './files.ts'

/**
 * Mutual exclusion on this machine. The kernel holds the lock (flock) and releases it when the holder exits for any
 * reason. Node cannot call flock: util-linux's `flock` locks a descriptor that this process has open, and the lock
 * lasts until that descriptor is closed.
 *
 * The holder may delete the file. Waiters detect that their descriptor no longer matches the path, and retry.
 */
export async function withLock<T>(
  /** The lock file, created with its folder if missing. Contains the holder's name. */
  file: string,
  /** The holder's name, shown to waiters: "nearside up, process 123". */
  holder: string,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
  /** Aborts the waiting, not the work. */
  signal?: AbortSignal,
): Promise<T> {
  const lock = await take(file, onWait, signal)
  try {
    ftruncateSync(lock)
    writeSync(lock, `${holder}\n`)
    return await work()
  } finally {
    closeSync(lock)
  }
}

/**
 * Locks the file and verifies that it is still at its path. Uses a plain descriptor, because a FileHandle is closed,
 * and the lock released, when it is garbage-collected.
 */
async function take(
  file: string,
  onWait: (holder: string) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  let waited = false
  for (;;) {
    const opened = openOrMake(file)
    let mine = await flock(opened, ['--nonblock'])
    if (!mine) {
      if (!waited) onWait(holderOf(file))
      waited = true
      if (!signal?.aborted) mine = await flock(opened, [], signal)
    }
    if (mine && isAt(file, opened)) return opened
    closeSync(opened)
    signal?.throwIfAborted()
    if (!mine) throw new NearsideError('lock_refused', `${file}: cannot lock it`)
  }
}

/** Retries, because the folder may be removed before the file is opened in it. */
function openOrMake(file: string): number {
  for (let tried = 1; ; tried += 1)
    try {
      makeFolder(dirname(file), 0o700)
      // Do not truncate: it contains the holder's name.
      return openSync(file, 'a+', 0o600)
    } catch (error) {
      if (tried === 10 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim() || 'another process'
  } catch {
    return 'another process'
  }
}

/**
 * The name of the process that has the lock file open and says that it holds it; undefined when there is none, or when
 * this user may not see it. Does not wait and takes no lock.
 */
export function lockHolder(file: string): string | undefined {
  try {
    const holder = readFileSync(file, 'utf8').trim()
    const pid = /\bprocess (\d+)\)?$/.exec(holder)?.[1]
    if (pid === undefined) return undefined
    const real = statSync(file)
    const isOpen = readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        const link = `/proc/${pid}/fd/${fd}`
        return readlinkSync(link) === file && statSync(link).ino === real.ino
      } catch {
        return false
      }
    })
    return isOpen ? holder : undefined
  } catch {
    return undefined
  }
}

function isAt(file: string, opened: number): boolean {
  const there = statSync(file, { throwIfNoEntry: false })
  const ours = fstatSync(opened)
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev
}

/** False if another process holds the lock, or if waiting was aborted. */
function flock(opened: number, options: string[], signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...options, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', opened],
      // This process handles Ctrl-C through the signal.
      detached: true,
    })
    const giveUp = () => void child.kill()
    signal?.addEventListener('abort', giveUp, { once: true })
    child.on('error', (cause) =>
      reject(
        new NearsideError('lock_refused', `cannot run flock: ${cause.message}`, {
          remedy: 'install util-linux',
          cause,
        }),
      ),
    )
    child.on('exit', (code) => {
      signal?.removeEventListener('abort', giveUp)
      resolve(code === 0)
    })
  })
}
