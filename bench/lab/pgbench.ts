import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from './database.ts'
import { runInside, toEnd } from './inside.ts'

export type PgbenchOptions = {
  /** For its files; emptied first. */
  folder: string
  /** Command prefix that runs a command where the load comes from. */
  inside: readonly string[]
  database: Database
  script: string
  clients: number
  seconds: number
  /** Open-loop commits per second; undefined for as fast as possible. */
  perSecond?: number
  /** Settings of its sessions. */
  settings?: Record<string, string>
}

/** Runs PostgreSQL's load generator from the engine root. Resolves to the duration of each transaction in ms. */
export async function pgbench(options: PgbenchOptions): Promise<number[]> {
  const { folder, inside, database, script, clients, seconds, perSecond, settings = {} } = options
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'script.sql'), script)
  const words = [
    ...['pgbench', '--no-vacuum', '--log', '--log-prefix', join(folder, 'took')],
    ...['--file', join(folder, 'script.sql'), '--client', clients, '--jobs', 1, '--time', seconds],
    ...['--protocol', 'prepared', ...(perSecond === undefined ? [] : ['--rate', perSecond])],
    ...['--host', database.host, '--port', database.port, '--username', database.user, database.database],
  ]
  const env = {
    PGPASSWORD: database.password,
    PGOPTIONS: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  }
  await toEnd('pgbench', runInside({ inside, folder, env, command: words.map(String) }))
  const logs = readdirSync(folder).filter((name) => name.startsWith('took'))
  return logs.flatMap((name) => parseLog(readFileSync(join(folder, name), 'utf8')))
}

/** Parses lines of `client number µs script epoch µs …`. With a rate, the third field counts from the due time. Pure. */
export function parseLog(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const micros = Number(line.split(' ')[2])
      if (!Number.isFinite(micros)) throw new Error(`unexpected log line of pgbench: ${line}`)
      return micros / 1000
    })
}
