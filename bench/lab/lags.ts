import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Database, databaseAt } from './database.ts'
import { pgbench } from './pgbench.ts'
import type { Say } from './say.ts'
import { roundTripMs, withLab } from './world.ts'

export type Lags = {
  linkMs: number
  /** Of the load: each commit waits for both regions. */
  commits: { perSecond: number; p50Ms: number; p99Ms: number }
  /** From the sending of a commit to its being seen on the replica, sorted. */
  lagsMs: number[]
}

export const commitsPerSecond = 500
const probesPerSecond = 20
/** Sessions enough for the commits that are under way, each for a round trip and a bit. */
const sessions = 100
/** The first seconds count for nothing: sessions are being made. */
const warmUpSeconds = 3

/** One load of commits, and single ones beside it that are followed to the replica. One clock: this machine's. */
export async function replicationLags({ seconds }: { seconds: number }, say: Say): Promise<Lags> {
  const topology = { database: { maxConnections: 200 } }
  return withLab({ topology }, async (lab) => {
    const { world, place } = lab
    const primary = await world.find('primary')
    const replica = await world.find('replica')
    const linkMs = roundTripMs(lab, primary, replica)
    const write = await databaseAt(world, primary, 'write')
    const read = await databaseAt(world, replica, 'read')
    const prober = await startProber(write, read, linkMs / 2)
    try {
      say(`${commitsPerSecond} commits a second for ${seconds} s`)
      const loaded = pgbench({
        folder: join(world.folder, '..', 'pgbench'),
        inside: place.inside(primary),
        database: write,
        script: 'INSERT INTO bench_load DEFAULT VALUES;\n',
        clients: sessions,
        seconds: seconds + warmUpSeconds,
        perSecond: commitsPerSecond,
      })
      const [took] = await Promise.all([loaded, prober.run(warmUpSeconds * 1000, seconds * 1000 - 1000)])
      const sorted = took.sort((a, b) => a - b)
      return {
        linkMs,
        commits: {
          perSecond: took.length / (seconds + warmUpSeconds),
          p50Ms: sorted[sorted.length >> 1]!,
          p99Ms: sorted[Math.floor(sorted.length * 0.99)]!,
        },
        lagsMs: prober.lagsMs.sort((a, b) => a - b),
      }
    } finally {
      await prober.close()
    }
  })
}

/** Asked again and again from shortly before it can be there, this far apart. */
const lookEveryMs = 0.5
const lookBeforeMs = 5
const patienceMs = 10_000

async function startProber(write: Database, read: Database, oneWayMs: number) {
  const writer = new pg.Pool({ ...write, max: 4 })
  const reader = new pg.Pool({ ...read, max: 12 })
  for (const pool of [writer, reader]) pool.on('error', () => undefined)
  await writer.query(
    'CREATE TABLE IF NOT EXISTS bench_load (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)',
  )
  await writer.query('CREATE TABLE IF NOT EXISTS bench_probes (id int PRIMARY KEY)')
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
      while (performance.now() < sentMs + patienceMs) {
        const text = 'SELECT 1 FROM bench_probes WHERE id = $1'
        const { rowCount } = await looker.query({ name: 'look', text, values: [id] })
        if (rowCount) return void lagsMs.push(performance.now() - sentMs)
        await delay(lookEveryMs)
      }
      throw new Error(`probe ${id} was not seen on the replica in ${patienceMs} ms`)
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
      for (let id = 0; performance.now() < startedMs + forMs; id += 1) {
        underWay.push(probe(id))
        await delay(Math.max(0, startedMs + ((id + 1) * 1000) / probesPerSecond - performance.now()))
      }
      await Promise.all(underWay)
    },
    async close(): Promise<void> {
      await Promise.all([writer.end(), reader.end()])
    },
  }
}
