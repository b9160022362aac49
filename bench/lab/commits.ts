import { join } from 'node:path'
import pg from 'pg'
import { connectFrom } from '../../test/support/lab/networks.ts'
import { median } from '../statistics.ts'
import { databaseAt } from './database.ts'
import { pgbench } from './pgbench.ts'
import type { Say } from './say.ts'
import { roundTripMs, withLab } from './world.ts'

export type CommitCosts = {
  /** Round trip set in the shaper, and time to open a TCP connection between the two regions. */
  linkMs: number
  measuredLinkMs: number
  /** One per round, of one session that commits one row after another. */
  rounds: { region: Latency; local: Latency }[]
}
export type Latency = { p50: number; p95: number; commits: number }

const secondsEach = 8

/** Takes turns in one world, because a session can choose not to wait for the other region. */
export async function commitCosts({ runs }: { runs: number }, say: Say): Promise<CommitCosts> {
  return withLab({}, async (lab) => {
    const { world, place } = lab
    const primary = await world.find('primary')
    const replica = await world.find('replica')
    const database = await databaseAt(world, primary, 'write')
    await withTable(database)
    const commits = async (settings: Record<string, string>): Promise<Latency> => {
      const took = await pgbench({
        folder: join(world.folder, '..', 'pgbench'),
        inside: place.inside(primary),
        database,
        script: 'INSERT INTO bench_commits DEFAULT VALUES;\n',
        clients: 1,
        seconds: secondsEach,
        settings,
      })
      const sorted = took.sort((a, b) => a - b)
      return { p50: median(sorted), p95: sorted[Math.floor(sorted.length * 0.95)]!, commits: took.length }
    }
    const target = { host: world.address(replica), port: 7400, times: 20, timeoutMs: 300 }
    const met = await connectFrom(place.inside(primary), target)
    const rounds: CommitCosts['rounds'] = []
    for (let run = 1; run <= runs; run += 1) {
      const local = await commits({ synchronous_commit: 'local' })
      const region = await commits({})
      rounds.push({ region, local })
      say(`round ${run} of ${runs}: region ${region.p50.toFixed(2)} ms, local ${local.p50.toFixed(2)} ms`)
    }
    return {
      linkMs: roundTripMs(lab, primary, replica),
      measuredLinkMs: median(met.map((one) => one.connectMs).filter((ms) => ms > 0)),
      rounds,
    }
  })
}

async function withTable(database: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(database)
  await client.connect()
  try {
    await client.query(
      'CREATE TABLE IF NOT EXISTS bench_commits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)',
    )
  } finally {
    await client.end()
  }
}
