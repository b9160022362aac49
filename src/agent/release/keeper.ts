import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { messageOf } from '../../lib/errors.ts'
import { isAlive, signal } from '../../lib/proc.ts'
import { interruptedCode, type KeeperOrder, restOf } from './run.ts'

/**
 * The program beside a release command: takes the world's advisory lock in the primary, runs the command, and holds
 * the lock until that ends. When the lock's session is lost, with the primary most likely, another region may begin
 * the release anew at any moment: the command is ended then. Exits as the command does.
 */

/** "nearside" in ASCII; any number that nobody else takes in the database `postgres`. */
const lockKey = '7954864397406561381'
const connectMs = 30_000
/** Between asking the command to end and ending it. */
const endingMs = 5000

const say = (message: string) => process.stderr.write(`nearside: ${message}\n`)

const { database, command } = JSON.parse(await text(process.stdin)) as KeeperOrder
let lost: () => void
const interrupted = new Promise<'interrupted'>((resolve) => {
  lost = () => resolve('interrupted')
})
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => lost())

const lock = await Promise.race([locked(), interrupted])
if (lock === 'interrupted') process.exit(interruptedCode)
const end = await Promise.race([run(), interrupted])
if (end === 'interrupted') {
  say('the primary was lost, or this region stops: the release is ended, and will be run again')
  await endRest()
  process.exit(interruptedCode)
}
await lock.end().catch(() => undefined)
process.exit(end)

/** A session that holds the lock; waits for as long as another has it. */
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
      // However the operator has set the server up: this session waits and idles for as long as it takes.
      await client.query('SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0')
      const { rows } = await client.query<{ standby: boolean; free: boolean }>(
        'SELECT pg_is_in_recovery() AS standby, pg_try_advisory_lock($1) AS free',
        [lockKey],
      )
      if (rows[0]?.standby) throw new Error('it has become a standby')
      if (rows[0]?.free) return client
      say('waiting for a release that still runs')
      await client.query('SELECT pg_advisory_lock($1)', [lockKey])
      return client
    } catch (error) {
      if (connected) lost()
      if (performance.now() < deadline) continue
      say(`no session with the primary: ${messageOf(error)}`)
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
      say(error.message)
      resolve(127)
    })
    child.on('close', (code, name) => {
      if (name !== null) say(`the release was ended by ${name}`)
      resolve(code ?? 1)
    })
  })
}

async function endRest(): Promise<void> {
  const rest = restOf({ pid: process.pid })
  for (const one of rest) signal(one, 'SIGTERM')
  const deadline = performance.now() + endingMs
  while (rest.some(isAlive) && performance.now() < deadline) await sleep(50)
  for (const one of restOf({ pid: process.pid })) signal(one, 'SIGKILL')
}
