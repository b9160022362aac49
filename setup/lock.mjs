import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SetupFailure } from './failure.mjs'
import { endWithUs } from './run.mjs'

/**
 * Runs `work` while holding a lock that other set-ups respect.
 *
 * The kernel holds it (flock), so it can never be left behind: it ends with its holder, whatever ended the holder.
 * Node cannot call flock, so the `flock` command of util-linux (part of every Debian and Ubuntu) holds it for a small
 * shell, which lives until the end of its standard input: our process's end, if not earlier.
 *
 * `src/lib/lock.ts` does the same for everything else. Set-up cannot use that: it runs before Node 24 is there, on a
 * Node that reads no TypeScript.
 *
 * @template T
 * @param {string} path a file, made if missing @param {(holder: string) => void} onWait called when someone else holds it
 * @param {() => Promise<T>} work
 * @param {{ sayWho?: boolean }} [options] sayWho: leave our process id in the file, for those who wait
 * @returns {Promise<T>}
 */
export async function withLock(path, onWait, work, { sayWho = true } = {}) {
  mkdirSync(dirname(path), { recursive: true })
  const release = (await tryLock(path, ['--nonblock'])) ?? (await waitForLock(path, onWait, sayWho))
  try {
    if (sayWho) writeFileSync(path, `${process.pid}\n`)
    return await work()
  } finally {
    release()
  }
}

/** @param {string} path @param {(holder: string) => void} onWait @param {boolean} sayWho */
async function waitForLock(path, onWait, sayWho) {
  onWait(sayWho ? readFileSync(path, 'utf8').trim() : '')
  const release = await tryLock(path, [])
  if (!release) throw new SetupFailure(`cannot lock ${path}`, 'Type the same command again.')
  return release
}

/** @param {string} path @param {string[]} options @returns {Promise<(() => void) | undefined>} undefined when it is taken */
function tryLock(path, options) {
  return new Promise((resolve, reject) => {
    const holder = spawn('flock', [...options, path, 'sh', '-c', 'echo locked; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Ctrl-C in the terminal must not end the holder while we still clean up.
      detached: true,
    })
    const waitingEnds = endWithUs(() => holder.kill('SIGTERM'))
    holder.on('error', (error) =>
      reject(new SetupFailure(`cannot run flock: ${error.message}`, 'Install util-linux.')),
    )
    holder.on('exit', () => {
      waitingEnds()
      resolve(undefined)
    })
    holder.stdout.once('data', () => {
      // From here on it must outlive an interruption, until the cleaning up is done.
      waitingEnds()
      holder.unref()
      resolve(() => holder.stdin.end())
    })
  })
}
