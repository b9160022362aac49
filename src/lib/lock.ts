import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { NearsideError } from './errors.ts'

/**
 * One at a time on this machine. The kernel holds the lock (flock), so it ends with its holder, however that ends, and
 * none is ever left behind. Node cannot call flock: util-linux's `flock` holds it for a small shell that lives until
 * the end of its standard input, which is our end at the latest.
 */
export async function withLock<T>(
  /** A file, made if missing; whoever holds the lock leaves its name in it. */
  file: string,
  /** Told to whoever waits: "nearside up, process 123". */
  holder: string,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
  /** Ends the waiting, not the work. */
  signal?: AbortSignal,
): Promise<T> {
  let release = await take(file, ['--nonblock'])
  if (!release) {
    onWait(readFileSync(file, 'utf8').trim() || 'another process')
    signal?.throwIfAborted()
    release = await take(file, [], signal)
    signal?.throwIfAborted()
  }
  if (!release) throw new NearsideError('lock_refused', `${file}: cannot be locked`)
  try {
    writeFileSync(file, `${holder}\n`)
    return await work()
  } finally {
    release()
  }
}

/** Undefined when another has it. */
function take(file: string, options: string[], signal?: AbortSignal): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...options, file, 'sh', '-c', 'echo locked; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Ctrl-C in the terminal must not end the holder while we still clean up.
      detached: true,
    })
    child.on('error', (cause) =>
      reject(
        new NearsideError('lock_refused', `flock cannot be run: ${cause.message}`, {
          remedy: 'install util-linux',
          cause,
        }),
      ),
    )
    const giveUp = () => void child.kill()
    signal?.addEventListener('abort', giveUp, { once: true })
    child.on('exit', () => resolve(undefined))
    child.stdin.on('error', () => undefined)
    child.stdout.once('data', () => {
      signal?.removeEventListener('abort', giveUp)
      child.unref()
      resolve(() => child.stdin.end())
    })
  })
}
