import type { ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Database } from './database.ts'
import { type Running, runInside, toEnd } from './inside.ts'

/** A server's address, and the command prefix that runs a command there. */
export type Site = { address: string; inside: readonly string[] }

export type PlainPair = { write: Database; read: Database; stop: () => Promise<void> }

const bin = '/usr/lib/postgresql/17/bin'
const port = 7990
const user = 'bench'
const startsWithinMs = 60_000

/**
 * A pair without Nearside: a primary and its synchronous standby, created with PostgreSQL's own tools and default
 * settings, except for access, the number of connections, and synchronous replication. Empties `folder` first; `stop`
 * removes it.
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
    const command = [`${bin}/postgres`, '-D', dataOf(name), '-h', address, '-p', String(port)]
    const server = runInside({ inside, folder, command })
    servers.push(server.child)
    await answers(database(at[name]), server)
  }
  try {
    const make = [`${bin}/initdb`, '-D', dataOf('primary'), '-U', user, '-A', 'trust']
    await toEnd('initdb', runInside({ inside: [], folder, command: make }))
    writeFileSync(
      join(dataOf('primary'), 'postgresql.auto.conf'),
      [
        "unix_socket_directories = ''",
        `max_connections = ${maxConnections}`,
        "synchronous_standby_names = '*'",
        '',
      ].join('\n'),
    )
    // The lab's networks are isolated.
    writeFileSync(
      join(dataOf('primary'), 'pg_hba.conf'),
      'host all all all trust\nhost replication all all trust\n',
    )
    await serve('primary')
    const source = `host=${at.primary.address} port=${port} user=${user}`
    const copy = [`${bin}/pg_basebackup`, '-d', source, '-D', dataOf('standby'), '-R', '-c', 'fast']
    await toEnd('pg_basebackup', runInside({ inside: at.standby.inside, folder, command: copy }))
    await serve('standby')
    return { write: database(at.primary), read: database(at.standby), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Its server is tied to it and exits as well. */
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
