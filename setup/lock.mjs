import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { at } from './explain.mjs'
import { SetupFailure } from './failure.mjs'
import { endWithUs } from './run.mjs'

/**
 * Runs `work` under a lock shared by all set-ups.
 *
 * The kernel holds the lock (flock) and releases it when its holder exits, so a stale lock cannot exist. Node cannot
 * call flock: the `flock` command of util-linux (part of every Debian and Ubuntu) holds it for a small shell, which
 * exits at the end of its standard input, that is, when our process exits at the latest.
 *
 * `src/lib/lock.ts` does the same for everything else. Set-up cannot use that: it runs before Node 24 is there, on a
 * Node that reads no TypeScript.
 *
 * @template T
 * @param {string} path a file, created if missing @param {(holder: string) => void} onWait called if another set-up holds it
 * @param {() => Promise<T>} work
 * @param {{ writeId?: boolean }} [options] writeId: write our process id into the file, for waiting set-ups
 * @returns {Promise<T>}
 */
export async function withLock(path, onWait, work, { writeId = true } = {}) {
  makeFolder(dirname(path))
  // Otherwise flock fails to open it, which looks like a lock that another set-up holds.
  if (writeId) closeSync(openSync(path, 'a'))
  const release = (await tryLock(path, ['--nonblock'])) ?? (await waitForLock(path, onWait, writeId))
  try {
    if (writeId) at(path, () => writeFileSync(path, `${process.pid}\n`))
    return await work()
  } finally {
    release()
  }
}

/** As `makeFolder` of src/lib/files.ts: on a read-only file system, `recursive` alone reports a missing file. @param {string} path */
function makeFolder(path) {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
    let missing = path
    while (!existsSync(dirname(missing))) missing = dirname(missing)
    mkdirSync(missing)
    mkdirSync(path, { recursive: true })
  }
}

/** @param {string} path @param {(holder: string) => void} onWait @param {boolean} writeId */
async function waitForLock(path, onWait, writeId) {
  onWait(writeId ? readFileSync(path, 'utf8').trim() : '')
  const release = await tryLock(path, [])
  if (!release) throw new SetupFailure(`cannot lock ${path}`, 'Run the same command again.')
  return release
}

/** @param {string} path @param {string[]} options @returns {Promise<(() => void) | undefined>} undefined if another set-up holds it */
function tryLock(path, options) {
  return new Promise((resolve, reject) => {
    const holder = spawn('flock', [...options, path, 'sh', '-c', 'echo locked; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Ctrl-C in the terminal must not kill the holder while we are still cleaning up.
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
      // From here on, it must survive an interrupt until cleanup is done.
      waitingEnds()
      holder.unref()
      resolve(() => holder.stdin.end())
    })
  })
}
