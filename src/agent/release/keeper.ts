import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { messageOf } from '../../lib/errors.ts'
import { isAlive, signal } from '../../lib/proc.ts'
import { descendantsOf, interruptedCode, type KeeperInput } from './run.ts'

/**
 * The keeper of a release command: takes the world's advisory lock in the primary, runs the command, and holds the lock
 * until the command exits. If the lock's session is lost, usually together with the primary, another region may start
 * the release at any moment, so the keeper stops the command. Exits with the command's exit code.
 */

/** "nearside" in ASCII. Any number works that nothing else uses as a lock in the database `postgres`. */
const lockKey = '7954864397406561381'
const connectMs = 30_000
/** Between SIGTERM and SIGKILL for the command. */
const terminateMs = 5000

const log = (message: string) => process.stderr.write(`nearside: ${message}\n`)

const { database, command } = JSON.parse(await text(process.stdin)) as KeeperInput
let lost: () => void
const interrupted = new Promise<'interrupted'>((resolve) => {
  lost = () => resolve('interrupted')
})
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => lost())

const lock = await Promise.race([locked(), interrupted])
if (lock === 'interrupted') process.exit(interruptedCode)
const end = await Promise.race([run(), interrupted])
if (end === 'interrupted') {
  log('the primary was lost or this region is stopping; stopped the release, which will run again')
  await stopDescendants()
  process.exit(interruptedCode)
}
await lock.end().catch(() => undefined)
process.exit(end)

/** Returns a session that holds the lock. Waits while another session has it. */
async function locked(): Promise<pg.Client> {
  for (const deadline = performance.now() + connectMs; ; await sleep(500)) {
    const client = new pg.Client({
      ...database,
      application_name: 'nearside-release',
      connectionTimeoutMillis: 5000,
    })
    let connected = false
    client.on('error', () => connected && lost())
    client.on('end', () => connected && lost())
    try {
      await client.connect()
      connected = true
      // Overrides the server's settings: this session may wait and be idle for as long as the command runs.
      await client.query('SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0')
      const { rows } = await client.query<{ standby: boolean; free: boolean }>(
        'SELECT pg_is_in_recovery() AS standby, pg_try_advisory_lock($1) AS free',
        [lockKey],
      )
      if (rows[0]?.standby) throw new Error('the server has become a standby')
      if (rows[0]?.free) return client
      log('waiting for a release that is still running')
      await client.query('SELECT pg_advisory_lock($1)', [lockKey])
      return client
    } catch (error) {
      if (connected) lost()
      if (performance.now() < deadline) continue
      log(`could not connect to the primary: ${messageOf(error)}`)
      process.exit(1)
    }
  }
}

/** Resolves to the exit code. */
function run(): Promise<number> {
  const { file, args, env, cwd } = command
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', (error) => {
      log(error.message)
      resolve(127)
    })
    child.on('close', (code, name) => {
      if (name !== null) log(`the release was killed by ${name}`)
      resolve(code ?? 1)
    })
  })
}

async function stopDescendants(): Promise<void> {
  const descendants = descendantsOf({ pid: process.pid })
  for (const one of descendants) signal(one, 'SIGTERM')
  const deadline = performance.now() + terminateMs
  while (descendants.some(isAlive) && performance.now() < deadline) await sleep(50)
  for (const one of descendantsOf({ pid: process.pid })) signal(one, 'SIGKILL')
}
