import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { sandboxCommand } from '../../src/engines/root/sandbox.ts'
import type { Database } from './database.ts'

/** Where a server is: its address, and words before a command that run it there. */
export type Site = { address: string; inside: readonly string[] }

export type PlainPair = { write: Database; read: Database; stop: () => Promise<void> }

const bin = '/usr/lib/postgresql/17/bin'
const port = 7990
const user = 'bench'
const startsWithinMs = 60_000

/**
 * What people have without us: a primary and its synchronous standby, made with PostgreSQL's own tools and left as those
 * make them, but for who may connect. `folder` is emptied before, and removed by `stop`.
 */
export async function startPlainPair(
  folder: string,
  at: { primary: Site; standby: Site },
  maxConnections: number,
): Promise<PlainPair> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const servers: ChildProcess[] = []
  const database = ({ address }: Site): Database => ({
    ...{ host: address, port, user, password: '', database: 'postgres' },
  })
  const dataOf = (name: keyof typeof at) => join(folder, name)
  const stop = async () => {
    await Promise.all(servers.map(ended))
    rmSync(folder, { recursive: true, force: true })
  }
  const serve = async (name: keyof typeof at) => {
    const { address, inside } = at[name]
    const server = run(folder, inside, ['postgres', '-D', dataOf(name), '-h', address, '-p', String(port)])
    servers.push(server.child)
    await answers(database(at[name]), server)
  }
  try {
    await toEnd(run(folder, [], ['initdb', '-D', dataOf('primary'), '-U', user, '-A', 'trust']))
    writeFileSync(
      join(dataOf('primary'), 'postgresql.auto.conf'),
      [
        "unix_socket_directories = ''",
        `max_connections = ${maxConnections}`,
        "synchronous_standby_names = '*'",
        '',
      ].join('\n'),
    )
    // The lab's networks are closed: nobody else is there.
    writeFileSync(
      join(dataOf('primary'), 'pg_hba.conf'),
      'host all all all trust\nhost replication all all trust\n',
    )
    await serve('primary')
    const source = `host=${at.primary.address} port=${port} user=${user}`
    await toEnd(
      run(folder, at.standby.inside, [
        ...['pg_basebackup', '-d', source, '-D', dataOf('standby'), '-R', '-c', 'fast'],
      ]),
    )
    await serve('standby')
    return { write: database(at.primary), read: database(at.standby), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type Running = { child: ChildProcess; said: () => string }

function run(folder: string, inside: readonly string[], [program, ...args]: string[]): Running {
  const sandbox = sandboxCommand({
    root: locateEngineRoot().path,
    binds: [{ path: folder }],
    cwd: folder,
    env: {},
    command: [`${bin}/${program}`, ...args],
    lifetime: 'tied',
  })
  const [file, ...rest] = [...inside, sandbox.file, ...sandbox.args]
  const child = spawn(file!, rest, {
    // `inside` runs programs of this machine, which have to be found.
    env: { ...sandbox.env, PATH: `${sandbox.env.PATH}:/sbin:/bin` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000)
    })
  return { child, said: () => said }
}

async function toEnd({ child, said }: Running): Promise<void> {
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  if (status !== 0) throw new Error(`${child.spawnargs.join(' ')}: ended with ${status}\n${said()}`)
}

/** It takes its server with it, which is tied to it. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await closed
}

async function answers(database: Database, { child, said }: Running): Promise<void> {
  const untilMs = performance.now() + startsWithinMs
  for (;;) {
    const client = new pg.Client(database)
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      await client.end().catch(() => undefined)
      if (child.exitCode !== null || performance.now() > untilMs)
        throw new Error(`PostgreSQL at ${database.host} does not answer\n${said()}`, { cause: error })
      await delay(100)
    }
  }
}
