import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { withErrorHandlers } from '../../src/lab/workloads/ledger/connections.ts'
import { type Database, databaseAt } from './database.ts'
import { pgbench } from './pgbench.ts'
import { type Site, startPlainPair } from './plain-pair.ts'
import type { Say } from './say.ts'
import { roundTripMs, withLab } from './world.ts'

/** Results of one database pair over all rounds. */
export type Lags = {
  /** Of the load; each commit waits for both regions. */
  commits: { perSecond: number; p50Ms: number; p99Ms: number }
  /** From sending a commit until it is visible on the replica, sorted. */
  lagsMs: number[]
}

export const commitsPerSecond = 500
const probesPerSecond = 20
/** Enough sessions for the commits in flight, each of which takes a little more than a round trip. */
const sessions = 100
const maxConnections = 200
/** The first seconds are not counted, because sessions are being opened. */
const warmUpSeconds = 3

/**
 * The world's databases and a plain PostgreSQL pair at the same sites take turns. Under a load of commits, single rows
 * are followed to the replica, all by this machine's clock.
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
          say(`${name}, ${round} of ${rounds}: ${commitsPerSecond} commits per second for ${seconds} s`)
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

/** Polls at this interval, starting shortly before the row can arrive. */
const pollIntervalMs = 0.5
const pollBeforeMs = 5
const probeTimeoutMs = 10_000

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
  // Connects beforehand, which must not be measured.
  for (const [pool, count] of [
    [writer, 4],
    [reader, 12],
  ] as const) {
    const clients = await Promise.all(Array.from({ length: count }, () => pool.connect()))
    for (const client of clients) client.release()
  }
  const lagsMs: number[] = []

  /** Commits with the primary's disk only, which makes no difference to the replica. The clock starts when it is sent. */
  async function probe(id: number): Promise<void> {
    const client = await writer.connect()
    let sentMs: number
    try {
      await client.query('SET synchronous_commit = local')
      sentMs = performance.now()
      void client.query({ name: 'insert', text: 'INSERT INTO bench_probes VALUES ($1)', values: [id] })
      await delay(Math.max(0, oneWayMs - pollBeforeMs))
    } finally {
      client.release()
    }
    const session = await reader.connect()
    try {
      while (performance.now() < sentMs + probeTimeoutMs) {
        const text = 'SELECT 1 FROM bench_probes WHERE id = $1'
        const { rowCount } = await session.query({ name: 'look', text, values: [id] })
        if (rowCount) return void lagsMs.push(performance.now() - sentMs)
        await delay(pollIntervalMs)
      }
      throw new Error(`probe ${id} was not visible on the replica within ${probeTimeoutMs} ms`)
    } finally {
      session.release()
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
