import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { failuresOutside, failuresSinceResumed } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'
import type { TestWorld, Victim } from '../../support/world.ts'

const etcd: Victim = { process: 'planned', name: 'etcd' }

/** Faults of agents and etcd. */
export function control(started: () => TestWorld): void {
  suite('the control plane is killed, users are still served', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    test('all agents killed: users are served, and the database still fails over when its primary is lost', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      const load = world.load([primary, survivor], { writesPerSecond: 20, readsPerSecond: 20 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
      const engines = world.engines()
      await world.killAgents()
      const withoutMs = performance.now()
      await world.until('writes without agents', () =>
        [primary, survivor].every((edge) => load.acknowledgedSince(withoutMs, edge) > 50),
      )
      await load.stop()
      assert.deepEqual(failuresOutside(load.attempts), [])
      assert.deepEqual(world.engines(), engines)

      const later = world.load([survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => later.acknowledgedWrites() > 10)
      const fault = await world.killRegion(primary)
      await world.until('writes after the primary was lost', () => later.acknowledgedSince(fault.toMs) > 20)
      await later.stop()
      tell(t, later.attempts, fault)
      const failures = failuresOutside(later.attempts, fault)
      assert.deepEqual(
        failures.filter((one) => one.kind === 'read'),
        [],
      )
      // Longer than a write is held: such a write never reached the app, and the user got an error.
      assert.deepEqual(
        failures.filter((one) => one.outcome !== 'fail'),
        [],
      )

      await world.up()
      await world.settled()
      assert.equal(await world.find('primary'), survivor)
      assert.deepEqual(await world.check(), [])
    })

    test('an agent killed during a failover: no acknowledged write is lost', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      const load = world.load([survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
      const fault = await world.killRegion(primary)
      await world.until(
        'the agents to agree on the loss',
        async () => (await world.status(survivor))?.world?.health[primary] === 'unreachable',
      )
      await world.killAgents([survivor])
      await world.until('writes after the primary was lost', () => load.acknowledgedSince(fault.toMs) > 20)
      await load.stop()
      tell(t, load.attempts, fault)
      await world.up()
      await world.settled()
      assert.deepEqual(await world.check(), [])
    })

    test('two of three etcd members down: reads and writes continue until the replica is down too', async (t) => {
      const primary = await world.find('primary')
      const replica = await world.find('replica')
      const load = world.load([primary, replica], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
      // With their agents, which would restart them immediately.
      await world.killAgents([replica, 'us-central'])
      const first = await world.killOne(replica, etcd)
      const fault = await world.killOne('us-central', etcd)
      await world.until(
        'Patroni to continue without etcd',
        async () => (await world.patroni(primary)).failsafe_mode_is_active,
      )
      // A process that crashes meanwhile is restarted without etcd.
      const [app] = world.victims(primary, { process: 'planned', name: 'app-0' })
      const crash = await world.killOne(primary, { process: 'planned', name: 'app-0' })
      await world.until('the app to be back', async () => {
        const status = await world.status(primary)
        return status?.processes.some(
          ({ name, state, pid }) => name === 'app-0' && state === 'ready' && pid !== app,
        )
      })
      // Longer than ttl: the leader lock has expired, and no member took it.
      await world.until('writes after ttl', () =>
        [primary, replica].every((edge) => load.acknowledgedSince(fault.toMs + 22_000, edge) > 10),
      )
      await load.stop()
      tell(t, load.attempts, fault)
      assert.deepEqual(failuresOutside(load.attempts, first, fault, crash), [])

      // With a minority of etcd and no replica, nothing can guarantee a single primary.
      const later = world.load([primary], { writesPerSecond: 10, readsPerSecond: 20 })
      await world.until('writes to flow', () => later.acknowledgedWrites() > 10)
      const second = await world.killRegion(replica)
      await world.until('the primary to step down', async () => (await world.roleOf(primary)) === 'replica')
      const downMs = performance.now()
      await world.until('reads without any primary', () => later.answeredReadsSince(downMs) > 20)
      await world.up()
      await world.settled()
      const settledMs = performance.now()
      await world.until('writes to flow again', () => later.acknowledgedSince(settledMs) > 10)
      await later.stop()
      tell(t, later.attempts, second)
      assert.deepEqual(
        later.attempts.filter((one) => one.place && one.startedMs > second.toMs && one.endedMs < downMs),
        [],
        'acknowledged alone',
      )
      assert.deepEqual(await world.check(), [])
    })

    test('a primary region that is paused for 22 s, longer than ttl, and resumed: no acknowledged write is lost', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      const load = world.load([survivor], { writesPerSecond: 10, readsPerSecond: 20 })
      // Few users at its own edge: everything they send meanwhile is handled in one burst on resume.
      const there = world.load([primary], { writesPerSecond: 3, readsPerSecond: 3 })
      await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
      const { fault, resume } = await world.pauseRegion(primary)
      await world.until('writes 22 s later', () => load.acknowledgedSince(fault.toMs + 22_000) > 20)
      resume()
      await world.settled()
      const settledMs = performance.now()
      await world.until('writes at both edges', () =>
        [load, there].every((one) => one.acknowledgedSince(settledMs) > 10),
      )
      await Promise.all([load.stop(), there.stop()])
      tell(t, load.attempts, fault)
      tell(t, there.attempts, fault)
      assert.equal(await world.find('primary'), survivor)
      assert.deepEqual(await world.check(), [])
      assert.deepEqual(
        failuresOutside(load.attempts, fault).filter((one) => one.kind === 'read'),
        [],
      )
      assert.deepEqual(failuresSinceResumed(load.attempts, fault), [])
    })
  })
}
