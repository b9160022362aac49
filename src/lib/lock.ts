import { spawn } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { NearsideError } from './errors.ts'
import { makeFolder } from './files.ts'

/**
 * One at a time on this machine. The kernel holds the lock (flock), so it ends with its holder, however that ends, and
 * none is ever left behind. Node cannot call flock: util-linux's `flock` locks a file that we have opened, and the lock
 * stays for as long as we have it open.
 *
 * Whoever holds the lock may remove the file: those who wait for it notice that theirs is no longer the one at this
 * path, and begin again with the one that is.
 */
export async function withLock<T>(
  /** A file, made if missing with the folder that it is in; whoever holds the lock leaves its name in it. */
  file: string,
  /** Told to whoever waits: "nearside up, process 123". */
  holder: string,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
  /** Ends the waiting, not the work. */
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
 * The file, locked, and found at its path while it was. A plain descriptor: a FileHandle would be closed, and the lock
 * let go, when the garbage collector finds that nobody asks for it any more.
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
    if (!mine) throw new NearsideError('lock_refused', `${file}: cannot be locked`)
  }
}

/** Its folder may be removed between being made and being used. */
function openOrMake(file: string): number {
  for (let tried = 1; ; tried += 1)
    try {
      makeFolder(dirname(file), 0o700)
      // Not cut: its holder's name is in it.
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

function isAt(file: string, opened: number): boolean {
  const there = statSync(file, { throwIfNoEntry: false })
  const ours = fstatSync(opened)
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev
}

/** False when another has it, or when the waiting was given up. */
function flock(opened: number, options: string[], signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...options, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', opened],
      // Ctrl-C in the terminal is ours to answer, by the signal.
      detached: true,
    })
    const giveUp = () => void child.kill()
    signal?.addEventListener('abort', giveUp, { once: true })
    child.on('error', (cause) =>
      reject(
        new NearsideError('lock_refused', `flock cannot be run: ${cause.message}`, {
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
