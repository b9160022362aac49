import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { sandboxCommand } from '../../src/engines/root/sandbox.ts'
import type { Database } from './database.ts'

export type PgbenchOptions = {
  /** For its files; emptied before. */
  folder: string
  /** Words before a command that run it where the load is to come from. */
  inside: readonly string[]
  database: Database
  script: string
  clients: number
  seconds: number
  /** Commits a second, whether earlier ones are done or not; as fast as it goes without a number. */
  perSecond?: number
  /** Settings of its sessions. */
  settings?: Record<string, string>
}

/** PostgreSQL's own load generator, from the engine root. Resolves to what each transaction took, ms. */
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
  const { file, args, env } = sandboxCommand({
    root: locateEngineRoot().path,
    binds: [{ path: folder }],
    cwd: folder,
    env: {
      PGPASSWORD: database.password,
      PGOPTIONS: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    },
    command: words.map(String),
    lifetime: 'tied',
  })
  const [program, ...rest] = [...inside, file, ...args]
  const child = spawn(program!, rest, {
    // `inside` runs programs of this machine, which have to be found.
    env: { ...env, PATH: `${env.PATH}:/sbin:/bin` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  if (status !== 0) throw new Error(`pgbench: ended with ${status}\n${said}`)
  const logs = readdirSync(folder).filter((name) => name.startsWith('took'))
  return logs.flatMap((name) => parseLog(readFileSync(join(folder, name), 'utf8')))
}

/** Pure: `client number µs script epoch µs …` a line. The third is from when it was due, if there is a rate. */
export function parseLog(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const micros = Number(line.split(' ')[2])
      if (!Number.isFinite(micros)) throw new Error(`not what pgbench usually logs: ${line}`)
      return micros / 1000
    })
}
