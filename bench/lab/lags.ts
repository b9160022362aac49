import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { withErrorHandlers } from '../../src/lab/workloads/ledger/connections.ts'
import { type Database, databaseAt } from './database.ts'
import { pgbench } from './pgbench.ts'
import { type Site, startPlainPair } from './plain-pair.ts'
import type { Say } from './say.ts'
import { roundTripMs, withLab } from './world.ts'

/** What one of them showed, all rounds together. */
export type Lags = {
  /** Of the load: each commit waits for both regions. */
  commits: { perSecond: number; p50Ms: number; p99Ms: number }
  /** From the sending of a commit to its being seen on the replica, sorted. */
  lagsMs: number[]
}

export const commitsPerSecond = 500
const probesPerSecond = 20
/** Sessions enough for the commits that are under way, each for a round trip and a bit. */
const sessions = 100
const maxConnections = 200
/** The first seconds count for nothing: sessions are being made. */
const warmUpSeconds = 3

/**
 * The world's databases, and two of PostgreSQL's own beside them at the same sites, in turns. One load of commits, and
 * single ones beside it that are followed to the replica. One clock: this machine's.
 */
export async function replicationLags(
  { seconds, rounds }: { seconds: number; rounds: number },
  say: Say,
): Promise<{ linkMs: number; ours: Lags; plain: Lags }> {
  const topology = { database: { maxConnections } }
  return withLab({ topology }, async (lab) => {
    const { world, place } = lab
    const primary = await world.find('primary')
    const replica = await world.find('replica')
    const linkMs = roundTripMs(lab, primary, replica)
    const temporary = join(world.folder, '..')
    const siteOf = (region: string): Site => ({
      address: world.address(region),
      inside: place.inside(region),
    })
    const plain = await startPlainPair(
      join(temporary, 'plain'),
      { primary: siteOf(primary), standby: siteOf(replica) },
      maxConnections,
    )
    const pairs = {
      ours: {
        write: await databaseAt(world, primary, 'write'),
        read: await databaseAt(world, replica, 'read'),
      },
      plain: { write: plain.write, read: plain.read },
    }
    const measured: Record<keyof typeof pairs, { took: number[]; lagsMs: number[] }[]> = {
      ours: [],
      plain: [],
    }
    try {
      for (let round = 1; round <= rounds; round += 1)
        for (const name of ['ours', 'plain'] as const) {
          say(`${name}, ${round} of ${rounds}: ${commitsPerSecond} commits a second for ${seconds} s`)
          const options = {
            folder: join(temporary, 'pgbench'),
            inside: place.inside(primary),
            oneWayMs: linkMs / 2,
            seconds,
          }
          measured[name].push(await measure(pairs[name], options))
        }
    } finally {
      await plain.stop()
    }
    const all = (name: keyof typeof pairs): Lags => {
      const took = measured[name].flatMap((one) => one.took).sort((a, b) => a - b)
      return {
        commits: {
          perSecond: took.length / (rounds * (seconds + warmUpSeconds)),
          p50Ms: took[took.length >> 1]!,
          p99Ms: took[Math.floor(took.length * 0.99)]!,
        },
        lagsMs: measured[name].flatMap((one) => one.lagsMs).sort((a, b) => a - b),
      }
    }
    return { linkMs, ours: all('ours'), plain: all('plain') }
  })
}

type Options = { folder: string; inside: readonly string[]; oneWayMs: number; seconds: number }

async function measure({ write, read }: { write: Database; read: Database }, options: Options) {
  const { folder, inside, oneWayMs, seconds } = options
  const prober = await startProber(write, read, oneWayMs)
  try {
    const loaded = pgbench({
      ...{ folder, inside, database: write, clients: sessions, perSecond: commitsPerSecond },
      script: 'INSERT INTO bench_load DEFAULT VALUES;\n',
      seconds: seconds + warmUpSeconds,
    })
    const [took] = await Promise.all([loaded, prober.run(warmUpSeconds * 1000, seconds * 1000 - 1000)])
    return { took, lagsMs: prober.lagsMs }
  } finally {
    await prober.close()
  }
}

/** Asked again and again from shortly before it can be there, this far apart. */
const cycleIntervalMs = 0.5
const lookBeforeMs = 5
const answerTimeoutMs = 10_000

async function startProber(write: Database, read: Database, oneWayMs: number) {
  const writer = withErrorHandlers(new pg.Pool({ ...write, max: 4, idleTimeoutMillis: 0 }))
  const reader = withErrorHandlers(new pg.Pool({ ...read, max: 12, idleTimeoutMillis: 0 }))
  await writer.query(
    'CREATE TABLE IF NOT EXISTS bench_load (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)',
  )
  await writer.query('CREATE TABLE IF NOT EXISTS bench_probes (id bigint PRIMARY KEY)')
  const { rows } = await writer.query<{ next: string }>(
    'SELECT coalesce(max(id), 0) + 1 AS next FROM bench_probes',
  )
  const firstId = Number(rows[0]!.next)
  // What is measured is not how long connecting takes.
  for (const [pool, count] of [
    [writer, 4],
    [reader, 12],
  ] as const) {
    const clients = await Promise.all(Array.from({ length: count }, () => pool.connect()))
    for (const client of clients) client.release()
  }
  const lagsMs: number[] = []

  /** Its commit waits for the primary's disk only, as the replica does not care: then it is sent, and the clock runs. */
  async function probe(id: number): Promise<void> {
    const client = await writer.connect()
    let sentMs: number
    try {
      await client.query('SET synchronous_commit = local')
      sentMs = performance.now()
      void client.query({ name: 'insert', text: 'INSERT INTO bench_probes VALUES ($1)', values: [id] })
      await delay(Math.max(0, oneWayMs - lookBeforeMs))
    } finally {
      client.release()
    }
    const looker = await reader.connect()
    try {
      while (performance.now() < sentMs + answerTimeoutMs) {
        const text = 'SELECT 1 FROM bench_probes WHERE id = $1'
        const { rowCount } = await looker.query({ name: 'look', text, values: [id] })
        if (rowCount) return void lagsMs.push(performance.now() - sentMs)
        await delay(cycleIntervalMs)
      }
      throw new Error(`probe ${id} was not seen on the replica in ${answerTimeoutMs} ms`)
    } finally {
      looker.release()
    }
  }

  return {
    lagsMs,
    async run(afterMs: number, forMs: number): Promise<void> {
      await delay(afterMs)
      const startedMs = performance.now()
      const underWay: Promise<void>[] = []
      for (let count = 0; performance.now() < startedMs + forMs; count += 1) {
        underWay.push(probe(firstId + count))
        await delay(Math.max(0, startedMs + ((count + 1) * 1000) / probesPerSecond - performance.now()))
      }
      await Promise.all(underWay)
    },
    async close(): Promise<void> {
      await Promise.all([writer.end(), reader.end()])
    },
  }
}
