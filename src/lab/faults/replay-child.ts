import pg from 'pg'
import { messageOf } from '../../lib/errors.ts'
import { keepPaused } from './hold-replay.ts'

/**
 * Pauses or resumes what a replica replays, from the region’s own network: in a lab nobody else may ask its database.
 * Patroni resumes replay whenever it looks, every five seconds; while `hold` runs it is paused again at once.
 *
 *     node fault-replay.ts hold|resume     one line of JSON on standard input: host, port, password
 *
 * Answers one line: `done`, `primary` where nothing is replayed, or what is wrong. `hold` goes on until the end of its
 * standard input and leaves replay paused.
 */
const patienceMs = 5000

type Where = { host: string; port: number; password: string }

async function main(mode: string | undefined, where: Where): Promise<void> {
  const connect = () => askedAt(where)
  if (mode === 'hold')
    return keepPaused(
      connect,
      () => say('done'),
      () => say('primary'),
    )
  const database = await connect()
  if (!(await database.isReplica())) return say('primary')
  await database.resume()
  say('done')
}

async function askedAt(where: Where) {
  const client = new pg.Client({
    ...where,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
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

/** Not there, or just starting: a server that was restarted replays. */
const isDown = (error: unknown) => ['ECONNREFUSED', '57P03'].includes((error as { code?: string }).code ?? '')

const say = (line: string) => void process.stdout.write(`${line}\n`)

// Ctrl-C goes to everything in the terminal; who holds our standard input ends us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.stdin.setEncoding('utf8')
process.stdin.on('end', () => process.exit(0))
process.stdin.once('data', (line: string) => {
  main(process.argv[2], JSON.parse(line) as Where)
    .catch((error) => say(process.argv[2] === 'resume' && isDown(error) ? 'done' : messageOf(error)))
    .then(() => process.exit(0))
})
