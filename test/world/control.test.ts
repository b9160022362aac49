import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { ledger } from '../support/world/apps.ts'
import { failuresBeside } from '../support/world/history.ts'
import { tell } from '../support/world/tell.ts'
import { startWorld, type TestWorld } from '../support/world.ts'

suite('what decides is killed, users go on', () => {
  let world: TestWorld
  before(async () => {
    world = await startWorld({ app: ledger })
    await world.settled()
  })
  after(() => world?.close())

  test('all agents killed: users are served, and the database still fails over when its primary is lost', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const load = world.load([primary, survivor], { writesPerSecond: 10, readsPerSecond: 20 })
    await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
    const engines = world.engines()
    await world.killAgents()
    const withoutMs = performance.now()
    await world.until('writes without agents', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(withoutMs, edge) > 50),
    )
    await load.stop()
    assert.deepEqual(failuresBeside(load.attempts), [])
    assert.deepEqual(world.engines(), engines)

    const later = world.load([survivor], { writesPerSecond: 10, readsPerSecond: 20 })
    await world.until('writes to flow', () => later.acknowledgedWrites() > 10)
    const fault = await world.killRegion(primary)
    await world.until('writes after the primary was lost', () => later.acknowledgedSince(fault.toMs) > 20)
    await later.stop()
    tell(t, later.attempts, fault)
    const failures = failuresBeside(later.attempts, fault)
    assert.deepEqual(
      failures.filter((one) => one.kind === 'read'),
      [],
    )
    // Longer than a write is held: what was given up was never sent to the app, and the user was told so.
    assert.deepEqual(
      failures.filter((one) => one.outcome !== 'refused'),
      [],
    )

    await world.up()
    await world.settled()
    assert.equal(await world.find('primary'), survivor)
    assert.deepEqual(await world.check(), [])
  })

  test('an agent killed during a failover: nothing is lost', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const load = world.load([survivor], { writesPerSecond: 10, readsPerSecond: 20 })
    await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
    const fault = await world.killRegion(primary)
    await world.until(
      'the loss to be agreed on',
      async () => (await world.status(survivor))?.world?.fitness[primary] === 'lost',
    )
    await world.killAgents([survivor])
    await world.until('writes after the primary was lost', () => load.acknowledgedSince(fault.toMs) > 20)
    await load.stop()
    tell(t, load.attempts, fault)
    await world.up()
    await world.settled()
    assert.deepEqual(await world.check(), [])
  })

  test('two of three etcd members gone: reads and writes go on', async (t) => {
    const primary = await world.find('primary')
    const replica = await world.find('replica')
    const load = world.load([primary, replica], { writesPerSecond: 10, readsPerSecond: 20 })
    await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
    // With their agents, which would restart them at once.
    await world.killAgents([replica, 'us-central'])
    const fault = await world.killOne(replica, { process: 'planned', name: 'etcd' })
    await world.killOne('us-central', { process: 'planned', name: 'etcd' })
    const alone = performance.now()
    await world.until(
      'Patroni to go on without etcd',
      async () => (await world.patroni(primary)).failsafe_mode_is_active,
    )
    await world.until('writes after ttl without etcd', () => load.acknowledgedSince(alone + 25_000) > 20)
    t.diagnostic(JSON.stringify(await world.patroni(primary)).slice(0, 400))

    // Now the replica cannot be asked either: nobody may promise that there is one primary only.
    const second = await world.killRegion(replica)
    await world.until('the primary to step down', async () => (await world.roleOf(primary)) === 'replica')
    const stopped = performance.now()
    await world.until(
      'reads without any primary',
      () =>
        load.attempts.filter(
          (one) =>
            one.kind === 'read' &&
            one.edge === primary &&
            one.startedMs > stopped &&
            one.outcome === 'acknowledged',
        ).length > 20,
    )
    await load.stop()
    tell(t, load.attempts, fault)
    tell(t, load.attempts, second)
    const here = load.attempts.filter((one) => one.edge === primary)
    t.diagnostic(
      `beside: ${failuresBeside(load.attempts, fault, second).length}, here ${failuresBeside(here, fault, second).length}`,
    )

    await world.up()
    await world.settled()
    assert.deepEqual(await world.check(), [])
  })

  test('a paused primary region acknowledges nothing that is lost when it goes on', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const load = world.load([primary, survivor], { writesPerSecond: 10, readsPerSecond: 20 })
    await world.until('writes to flow', () => load.acknowledgedWrites() > 20)
    const fromMs = performance.now()
    const resume = await world.pauseRegion(primary)
    const fault = { fromMs, toMs: performance.now() }
    await world.until('writes 30 s later', () => load.acknowledgedSince(fault.toMs + 30_000, survivor) > 20)
    resume()
    await world.settled()
    const settledMs = performance.now()
    await world.until('writes at both edges', () =>
      [primary, survivor].every((edge) => load.acknowledgedSince(settledMs, edge) > 20),
    )
    await load.stop()
    tell(t, load.attempts, fault)
    assert.equal(await world.find('primary'), survivor)
    assert.deepEqual(await world.check(), [])
    assert.deepEqual(
      failuresBeside(
        load.attempts.filter((one) => one.edge === survivor),
        fault,
      ),
      [],
    )
  })
})
