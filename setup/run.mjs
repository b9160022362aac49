import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { CommandFailure } from './failure.mjs'

/** Installers print errors at the beginning (npm) or at the end (apt); both together fit on a screen. */
const FIRST_LINES = 8
const LAST_LINES = 12

/** @type {Set<() => unknown>} */
const underWay = new Set()
let stopped = false

/** Kills all running commands and starts no more: their callers fail, clean up and pass the failure on. */
export function stopCommands() {
  stopped = true
  for (const end of underWay) end()
}

/** @param {() => unknown} end how to stop a process when we are stopped @returns {() => void} to call when it has exited */
export function endWithUs(end) {
  if (stopped) end()
  underWay.add(end)
  return () => underWay.delete(end)
}

/** @param {string} name @param {NodeJS.ProcessEnv} [env] @returns {string | undefined} the path of a command, as a shell would find it */
export function findCommand(name, env = process.env) {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {Record<string, string>} [env] added to this process's environment
 * @property {(line: string) => void} [onLine] called for each line of output
 * @property {boolean} [terminal] the command may ask on the terminal (sudo's password)
 * @property {boolean} [ownGroup] the command signals its whole process group when something goes wrong
 */

/**
 * Runs a command to completion and returns its standard output; fails with a CommandFailure.
 *
 * @param {string[]} argv @param {RunOptions} [options] @returns {Promise<string>}
 */
export async function run(argv, options = {}) {
  const started = start(argv, options)
  /** @type {string[]} */
  const output = []
  started.collect(started.child.stdout, (line) => output.push(line))
  await started.ended
  return output.join('\n')
}

/**
 * Runs `producer | consumer` and fails if either does: a shell's pipe would hide the producer's failure. The producer
 * is mmdebstrap: if it cannot write, it sends SIGHUP to its process group, and a signal to it alone does not stop it.
 *
 * @param {string[]} producer @param {string[]} consumer @param {RunOptions} [options]
 */
export async function runPipe(producer, consumer, options = {}) {
  const from = start(producer, { ...options, ownGroup: true })
  const to = start(consumer, options, 'pipe')
  const copied = pipeline(/** @type {any} */ (from.child.stdout), /** @type {any} */ (to.child.stdin))
  const results = await Promise.allSettled([from.ended, to.ended, copied])
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  if (failures.length === 0) return
  // If one fails, the other does, too, and either may be the cause.
  const [first, ...others] = failures.filter((failure) => failure instanceof CommandFailure)
  if (!first) throw failures[0]
  for (const other of others) first.message += `\n    ${other.message}`
  throw first
}

/** @param {string[]} argv @param {RunOptions} options @param {'pipe' | 'ignore'} [stdin] */
function start(argv, options, stdin = 'ignore') {
  const [file, ...args] = argv
  const child = spawn(/** @type {string} */ (file), args, {
    cwd: options.cwd,
    // On Debian, the PATH of an ordinary user lacks sbin, where mmdebstrap finds chroot.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', ...options.env },
    detached: options.ownGroup,
    stdio: [options.terminal ? 'inherit' : stdin, 'pipe', 'pipe'],
  })
  const forget = endWithUs(() => {
    if (!options.ownGroup || !child.pid) return child.kill('SIGTERM')
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // It has just exited by itself.
    }
  })
  const kept = new KeptLines()
  /** @param {import('node:stream').Readable | null} stream @param {(line: string) => void} [also] */
  const collect = (stream, also) => {
    if (!stream) return
    createInterface({ input: stream }).on('line', (line) => {
      also?.(line)
      options.onLine?.(line)
      kept.add(line)
    })
  }
  collect(child.stderr)
  /** @type {Promise<void>} */
  const ended = new Promise((resolve, reject) => {
    /** @param {string} ending */
    const fail = (ending) =>
      reject(new CommandFailure({ command: argv.map(quoted).join(' '), ending, lines: kept.all() }))
    child.on('error', (error) => {
      forget()
      fail(error.message)
    })
    child.on('close', (code, signal) => {
      forget()
      if (code === 0) resolve()
      else fail(signal ? `killed by ${signal}` : `exit code ${code}`)
    })
  })
  return { child, collect, ended }
}

/** @param {string} word */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** The first and last lines of an output. */
class KeptLines {
  /** @type {string[]} */
  first = []
  /** @type {string[]} */
  last = []
  dropped = 0

  /** @param {string} line */
  add(line) {
    if (line.trim() === '') return
    if (this.first.length < FIRST_LINES) this.first.push(line)
    else if (this.last.push(line) > LAST_LINES) {
      this.last.shift()
      this.dropped += 1
    }
  }

  all() {
    return [...this.first, ...(this.dropped > 0 ? [`... (${this.dropped} lines)`] : []), ...this.last]
  }
}
