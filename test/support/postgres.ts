import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client, type QueryResultRow } from 'pg'
import { runSandboxed, runToEnd, type Sandboxed } from './engine-program.ts'
import { freeEndpoint, temporaryFolder, until } from './sandboxed.ts'

/** A separate PostgreSQL server for a test. */
export type TestPostgres = {
  /** Process id of the postmaster; changes on restart. */
  pid: number
  host: string
  port: number
  url: string
  /** Runs one statement on a new connection. */
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** Sets server parameters and waits until new connections see them. */
  configure(settings: Record<string, string>): Promise<void>
  /** Reverts all changes by `configure`. */
  resetConfiguration(): Promise<void>
  /** Kills it like a power failure: sessions are not closed. */
  kill(): Promise<void>
  /** Starts a killed server again, on the same address. */
  restart(): Promise<void>
  /** A streaming standby of this server. */
  standby(): Promise<TestPostgres>
  /** Its log since the first start. */
  log(): string
  stop(): Promise<void>
}

const bin = '/usr/lib/postgresql/17/bin'
const user = 'shop'

/** Small and without fsync, because no test here is about PostgreSQL's own durability. */
const parameters = [
  'fsync=off',
  'shared_buffers=16MB',
  'max_connections=60',
  'unix_socket_directories=',
  'wal_level=replica',
]

export async function startPostgres(): Promise<TestPostgres> {
  const folder = temporaryFolder('postgres')
  const data = join(folder, 'data')
  await runToEnd(folder, [`${bin}/initdb`, '-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--no-sync'])
  return serve(folder, data)
}

async function serve(folder: string, data: string): Promise<TestPostgres> {
  const { host, port } = await freeEndpoint()
  const url = `postgres://${user}@${host}:${port}/postgres`
  const command = [`${bin}/postgres`, '-D', data, '-h', host, '-p', String(port)].concat(
    parameters.flatMap((parameter) => ['-c', parameter]),
  )

  async function query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end()
    }
  }

  async function launch(): Promise<Sandboxed> {
    const started = await runSandboxed(folder, command)
    await until('PostgreSQL to take connections', async () => {
      if (started.hasExited()) return true
      await query('SELECT 1')
      return true
    })
    if (started.hasExited()) throw new Error(`PostgreSQL did not start:\n${started.output()}`)
    return started
  }

  let server = await launch()
  return {
    pid: server.pid,
    host,
    port,
    url,
    query,
    async configure(settings) {
      for (const [name, value] of Object.entries(settings)) {
        await query(`ALTER SYSTEM SET ${name} = '${value}'`)
      }
      await query('SELECT pg_reload_conf()')
      for (const [name, value] of Object.entries(settings)) {
        await until(`${name} = ${value}`, async () => (await query(`SHOW ${name}`))[0]?.[name] === value)
      }
    },
    async resetConfiguration() {
      await query('ALTER SYSTEM RESET ALL')
      await query('SELECT pg_reload_conf()')
    },
    log: () => server.output(),
    kill: () => server.kill('SIGKILL'),
    async restart() {
      // Orphans of the killed server briefly hold its shared memory, and PostgreSQL refuses to start meanwhile.
      server = await until('PostgreSQL to start again', launch)
    },
    async standby() {
      const folder = temporaryFolder('standby')
      const data = join(folder, 'data')
      await runToEnd(folder, [`${bin}/pg_basebackup`, '-d', url, '-D', data, '-R', '-c', 'fast', '--no-sync'])
      return serve(folder, data)
    },
    async stop() {
      await server.kill('SIGQUIT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
