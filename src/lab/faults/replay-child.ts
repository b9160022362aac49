import pg from 'pg'
import { messageOf } from '../../lib/errors.ts'
import { keepPaused } from './replay.ts'

/**
 * Pauses or resumes replay on a replica, from inside the region’s network: in a lab, nothing else can reach its
 * database. Patroni resumes replay every five seconds; `hold` pauses it again immediately.
 *
 *     node replay-child.ts hold|resume     one line of JSON on standard input: host, port, password
 *
 * Prints one line: `done`, `primary` if the database does not replay, or the error. `hold` runs until the end of its
 * standard input and leaves replay paused.
 */
const timeoutMs = 5000

type Where = { host: string; port: number; password: string }

async function main(mode: string | undefined, where: Where): Promise<void> {
  const connect = () => connectTo(where)
  if (mode === 'hold')
    return keepPaused(
      connect,
      () => answer('done'),
      () => answer('primary'),
    )
  const database = await connect()
  if (!(await database.isReplica())) return answer('primary')
  await database.resume()
  answer('done')
}

async function connectTo(where: Where) {
  const client = new pg.Client({
    ...where,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => undefined)
  await client.connect()
  return {
    async isReplica() {
      const { rows } = await client.query<{ replica: boolean }>('SELECT pg_is_in_recovery() AS replica')
      return rows[0]?.replica === true
    },
    pause: () => client.query('SELECT pg_wal_replay_pause()'),
    resume: () => client.query('SELECT pg_wal_replay_resume()'),
    end: () => client.end(),
  }
}

/** The server is down or starting. It needs no resume, because a restarted server replays. */
const isDown = (error: unknown) => ['ECONNREFUSED', '57P03'].includes((error as { code?: string }).code ?? '')

const answer = (line: string) => void process.stdout.write(`${line}\n`)

// Ctrl-C reaches every process of the terminal. This one exits when its standard input ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.stdin.setEncoding('utf8')
process.stdin.on('end', () => process.exit(0))
process.stdin.once('data', (line: string) => {
  main(process.argv[2], JSON.parse(line) as Where)
    .catch((error) => answer(process.argv[2] === 'resume' && isDown(error) ? 'done' : messageOf(error)))
    .then(() => process.exit(0))
})
