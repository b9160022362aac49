import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, suite, type TestContext, test } from 'node:test'
import pg from 'pg'
import { readWorld } from '../../../src/agent/layout.ts'
import { secretsOf } from '../../../src/agent/secrets.ts'
import {
  check,
  checkFile,
  type GuaranteeId,
  promisesOf,
  verdictLines,
  verdictOf,
} from '../../../src/lab/checker/index.ts'
import { clockMs, isWrite, mergeFinals, newHeader, Recorder } from '../../../src/lab/history.ts'
import { saveHistory } from '../../../src/lab/history-file.ts'
import { ledgerWorkload, ordersWorkload, type Workload } from '../../../src/lab/workloads/index.ts'
import type { WorkloadWorld } from '../../../src/lab/workloads/types.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import type { Secrets } from '../../../src/topology/secrets.ts'
import { isBroken } from '../../support/broken.ts'
import type { TestWorld } from '../../support/world.ts'
import { drill } from './drill.ts'

/** The workloads of drills and the checker. */
export function workloads(started: () => TestWorld): void {
  suite('the workloads and the checker, in a real world', () => {
    let world: TestWorld
    let secrets: Secrets
    let place: WorkloadWorld
    before(async () => {
      world = started()
      await world.settled()
      secrets = await secretsOf(world.folder)
      const { topology } = await readWorld(world.folder)
      place = { topology, regions: regionsOf(topology), secrets: { app: secrets.app } }
    })

    const rates = { writesPerSecond: 20, readsPerSecond: 30, seed: 1 }

    /** Runs these workloads during `meanwhile`, and returns the history and the final state. */
    async function record(workloads: Workload[], meanwhile: (recorder: Recorder) => Promise<void>) {
      const recorder = new Recorder(newHeader(world.app.name))
      const load = new AbortController()
      try {
        for (const workload of workloads) await workload.prepare()
        const running = Promise.all(workloads.map((one) => one.run(load.signal, recorder.record)))
        await meanwhile(recorder).finally(() => load.abort())
        await running
        const finals = []
        for (const workload of workloads) finals.push(await workload.final())
        return { history: recorder.history(), final: mergeFinals(finals) }
      } finally {
        load.abort()
        for (const workload of workloads) await workload.cleanUp()
      }
    }

    const acknowledged = ({ ops }: Recorder, edge: string, sinceMs: number) =>
      ops.filter((op) => isWrite(op) && op.outcome === 'ok' && op.edge === edge && op.invokedMs > sinceMs)
        .length

    const writes = (recorder: Recorder, count: number, ...edges: string[]) => {
      const sinceMs = clockMs()
      return world.until(`${count} writes at ${edges.join(' and ')}`, () =>
        edges.every((edge) => acknowledged(recorder, edge, sinceMs) >= count),
      )
    }

    /** Runs SQL as the superuser on that region's own database. */
    async function superuser<Row extends object>(region: string, text: string): Promise<Row[]> {
      const client = new pg.Client({
        ...{ host: world.address(region), port: 5432, user: 'postgres', database: 'postgres' },
        password: secrets.superuser,
      })
      client.on('error', () => undefined)
      await client.connect()
      try {
        return (await client.query<Row>(text)).rows
      } finally {
        await client.end()
      }
    }

    function tell(t: TestContext, guarantees: ReturnType<typeof check>) {
      for (const line of verdictLines(guarantees)) t.diagnostic(line)
      return Object.fromEntries(guarantees.map((one) => [one.id, one])) as Record<
        GuaranteeId,
        (typeof guarantees)[number]
      >
    }

    drill(() => world)

    test('the primary’s region killed and revived, a replica that lags: every promise holds, and breaches of what is not promised are counted', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      const workloads = [
        ledgerWorkload(place, rates),
        ordersWorkload(place, { ...rates, readsPerSecond: 10 }),
      ]
      const recorded = await record(workloads, async (recorder) => {
        await writes(recorder, 20, primary, survivor)
        // The standby has every write on disk and shows none of them.
        await superuser(survivor, 'SELECT pg_wal_replay_pause()')
        await writes(recorder, 40, survivor)
        await superuser(survivor, 'SELECT pg_wal_replay_resume()')

        await world.killRegion(primary)
        await writes(recorder, 40, survivor)
        await world.up([primary])
        await world.settled()
        await writes(recorder, 40, primary, survivor)
      })

      const promises = promisesOf(place.topology)
      const found = tell(t, check(recorded.history, recorded.final, promises))
      assert.ok(!isBroken(Object.values(found)))
      for (const id of [
        'no-lost-writes',
        'one-primary',
        'constant-total',
        'one-order',
        'replicas-equal',
      ] as const)
        assert.equal(verdictOf(found[id]), 'held', id)
      assert.ok(found['read-your-writes'].violations.length > 0, 'a replica that lags shows by own writes')
      assert.ok(isBroken(check(recorded.history, recorded.final, { ...promises, readYourWrites: true })))
      assert.deepEqual(
        recorded.final.views.map(({ source, orders, lists }) => [
          source,
          orders!.length > 60,
          lists!.length > 0,
        ]),
        [
          ['primary', true, true],
          ['replica', true, true],
          ['replica', true, true],
        ],
      )
      // The schema is gone in every region.
      const left = `SELECT 1 FROM pg_namespace WHERE nspname = 'nearside_drill'`
      await world.until('nothing to be left', async () => {
        const client = new pg.Client({
          ...{
            host: world.address(survivor),
            port: 6433,
            user: 'app',
            database: 'app',
            password: secrets.app,
          },
        })
        await client.connect()
        const { rowCount } = await client.query(left).finally(() => client.end())
        return rowCount === 0
      })

      // The same history with one false outcome, from a file.
      const file = `${world.folder}/history.jsonl`
      const at = recorded.history.ops.findLastIndex((op) => isWrite(op) && op.outcome === 'ok')
      const lie = recorded.history.ops.with(at, { ...recorded.history.ops[at]!, outcome: 'fail' })
      await saveHistory(file, { ...recorded, history: { ...recorded.history, ops: lie } })
      const doctored = await checkFile(file, promises)
      assert.deepEqual(
        doctored.filter((one) => verdictOf(one) === 'broken').map(({ id }) => id),
        ['no-refused-writes'],
      )
      assert.ok(!readFileSync(file, 'utf8').includes(secrets.app))
    })

    test('with asynchronous replication, a standby that receives nothing and a lost primary: the loss is reported', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await asynchronous(primary)
      const recorded = await record([ledgerWorkload(place, rates)], async (recorder) => {
        await writes(recorder, 20, primary)
        const [receiver] = await superuser<{ pid: number }>(survivor, 'SELECT pid FROM pg_stat_wal_receiver')
        process.kill(receiver!.pid, 'SIGSTOP')
        try {
          await world.until('the primary to drop its standby', async () => {
            const senders = await superuser(primary, 'SELECT 1 FROM pg_stat_replication')
            return senders.length === 0
          })
          // None of these writes ever leaves the region.
          await writes(recorder, 40, primary)
          await world.killRegion(primary)
        } finally {
          process.kill(receiver!.pid, 'SIGCONT')
        }
        await writes(recorder, 20, survivor)
        await world.up([primary])
      })

      const found = tell(t, check(recorded.history, recorded.final, promisesOf(place.topology)))
      assert.equal(verdictOf(found['no-lost-writes']), 'broken')
      assert.ok(found['no-lost-writes'].violations.length >= 40)
      // `local` does not promise this, so it is counted but not broken.
      const local = check(recorded.history, recorded.final, {
        ...promisesOf(place.topology),
        durability: 'local',
      })
      const lost = local.find(({ id }) => id === 'no-lost-writes')!
      assert.equal(verdictOf(lost), 'not promised')
      assert.ok(lost.violations.length >= 40)
      // Everything else holds: refused writes are absent, and all databases agree in the end.
      for (const id of [
        'no-phantom-writes',
        'no-duplicate-writes',
        'no-refused-writes',
        'constant-total',
        'replicas-equal',
      ] as const)
        assert.equal(verdictOf(found[id]), 'held', id)
    })

    /** Turns off, in the running world, what `durability: 'region'` relies on. */
    async function asynchronous(primary: string): Promise<void> {
      const answer = await fetch(`http://${world.address(primary)}:8008/config`, {
        method: 'PATCH',
        headers: { authorization: `Basic ${btoa(`nearside:${secrets.patroni}`)}` },
        body: JSON.stringify({ synchronous_mode: false }),
      })
      assert.equal(answer.status, 200)
      await world.until('the primary to commit asynchronously', async () => {
        const [row] = await superuser<{ names: string }>(
          primary,
          `SELECT current_setting('synchronous_standby_names') AS names`,
        )
        return row!.names === ''
      })
    }
  })
}
