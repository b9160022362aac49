import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import pg from 'pg'
import { patroniRequest } from '../../../src/engines/postgres/control.ts'
import { isAlive, signal } from '../../../src/lib/proc.ts'
import { type Attempt, failuresOutside } from '../../support/world/history.ts'
import { pauseAll, processesBelow } from '../../support/world/processes.ts'
import { tell } from '../../support/world/tell.ts'
import type { TestWorld } from '../../support/world.ts'

/** Processes that hang without being dead. */
export function stuck(started: () => TestWorld): void {
  suite('a database that is not dead but makes no progress', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    test('the primary’s PostgreSQL hangs while its Patroni runs: the standby takes over while writes are held', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await world.hasSettled(primary)
      const load = world.load([primary, survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
      const fromMs = performance.now()
      const paused = await pauseAll(() => processesBelow(world.victims(primary, { process: 'postmaster' })))
      const fault = { fromMs, toMs: performance.now() }
      await world.until('writes elsewhere', () => load.acknowledgedSince(fault.toMs, survivor) > 20)
      await world.until(
        'the old primary’s edge to write, too',
        () => load.acknowledgedSince(fault.toMs, primary) > 20,
      )
      // PostgreSQL resumes, under a Patroni that has missed everything.
      const wokenMs = performance.now()
      for (const one of paused) signal(one, 'SIGCONT')
      await world.until('its Patroni to have stopped it', () => !paused.some(isAlive))
      const stoppedMs = performance.now()
      await world.settled()
      const rejoinedMs = performance.now()
      await load.stop()
      tell(t, load.attempts, fault)
      assert.equal(await world.find('primary'), survivor)
      // Until the edges notice, apps connect to a database that does not answer, and fail when their drivers time out.
      const noticedMs = fault.toMs + 3000
      // So do they when it wakes up and claims to be the primary until its Patroni has stopped it.
      const awake = { fromMs: wokenMs, toMs: Math.max(wokenMs + 1000, stoppedMs) }
      // Patroni restarts it once more to rewind it, and an app that never retries gets "shutting down" for a read.
      const rejoining = (one: Attempt) =>
        one.kind === 'read' && one.edge === primary && one.startedMs > wokenMs && one.startedMs < rejoinedMs
      assert.deepEqual(
        failuresOutside(load.attempts, fault, awake).filter(
          (one) => one.startedMs > noticedMs && !rejoining(one),
        ),
        [],
      )
      assert.match(await world.cli([], 'events'), /forced failover: the primary in .* takes over/)
      assert.deepEqual(await world.check(), [])
    })

    test('a replica that returns after its WAL is gone: it is reinitialized without an operator', async () => {
      const primary = await world.find('primary')
      const replica = await world.find('replica')
      const load = world.load([primary], { writesPerSecond: 5, readsPerSecond: 5 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 5)
      const { regions, topology, secrets } = world.context(primary)
      const context = { regions, topology, secrets }
      const address = world.address(primary)
      // The real limits are 1 GB and 4 GB.
      const limits = {
        wal_keep_size: '32MB',
        max_slot_wal_keep_size: '64MB',
        max_wal_size: '64MB',
        min_wal_size: '64MB',
      }
      await patroniRequest(context, address, 'PATCH', '/config', { postgresql: { parameters: limits } }, 5000)
      const database = new pg.Client({
        host: address,
        port: topology.ports.postgres,
        user: 'postgres',
        password: secrets.superuser,
        database: 'postgres',
      })
      await database.connect()
      try {
        await world.until('the limits', async () => {
          const { rows } = await database.query(`SHOW max_slot_wal_keep_size`)
          return rows[0]?.max_slot_wal_keep_size === '64MB'
        })
        await world.killRegion(replica)
        await database.query('SET synchronous_commit = local')
        await world.until('its WAL to be gone', async () => {
          for (let segment = 0; segment < 8; segment += 1)
            await database.query(`SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()`)
          await database.query('CHECKPOINT')
          const { rows } = await database.query(
            `SELECT 1 FROM pg_replication_slots WHERE invalidation_reason = 'wal_removed'`,
          )
          return rows.length > 0
        })
      } finally {
        await database.end()
      }
      await world.cli([], 'revive', replica)
      await world.settled()
      await load.stop()
      assert.match(await world.cli([], 'events'), /replica reinit: /)
      assert.deepEqual(await world.check(), [])
    })
  })
}
