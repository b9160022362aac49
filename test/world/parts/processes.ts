import assert from 'node:assert/strict'
import { before, suite, type TestContext, test } from 'node:test'
import { failuresOutside } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'
import { nameOf, type Role, type TestWorld, type Victim } from '../../support/world.ts'

const planned = (name: string): Victim => ({ process: 'planned', name })
/** Kills single processes under orders and reads at both edges. */
export function processes(started: () => TestWorld): void {
  suite('one process killed, with users at both edges', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    const users = () => world.load(['us-east', 'us-west'], { writesPerSecond: 16, readsPerSecond: 15 })

    /** Kills the process under load, waits until it is back and writes continue, and returns the users' requests. */
    async function kill(t: TestContext, role: Role, victim: Victim) {
      const region = await world.find(role)
      const load = users()
      await world.until('orders to flow', () => load.acknowledgedWrites() > 8)
      const before = world.victims(region, victim)
      const fault = await world.killOne(region, victim)
      await world.until(`another ${nameOf(victim)}`, () => {
        const now = world.victims(region, victim)
        return now.length > 0 && now.every((pid) => !before.includes(pid))
      })
      await world.settled()
      const settledMs = performance.now()
      await world.until('orders sent after its return', () =>
        ['us-east', 'us-west'].every((edge) => load.acknowledgedSince(settledMs, edge) > 10),
      )
      const attempts = await load.stop()
      t.diagnostic(`in sync again after ${Math.round(settledMs - fault.fromMs)} ms`)
      tell(t, attempts, fault)
      assert.deepEqual(await world.check(), [])
      return { region, fault, failures: failuresOutside(attempts, fault) }
    }

    const unnoticed: [Role, Victim][] = [
      ['primary', planned('varnish')],
      ['primary', { process: 'varnish worker' }],
      ['primary', planned('knot')],
      ['primary', planned('redis')],
      ['primary', planned('app-0')],
      ['replica', planned('app-1')],
      ['primary', planned('etcd')],
      ['witness', planned('etcd')],
      ['replica', planned('postgres')],
      ['primary', planned('postgres')],
      ['replica', { process: 'postmaster' }],
      ['primary', { process: 'postmaster' }],
    ]
    for (const [role, victim] of unnoticed)
      test(`${nameOf(victim)} in the ${role}’s region: no error except in requests under way`, async (t) => {
        const { failures } = await kill(t, role, victim)
        assert.deepEqual(failures, [])
      })

    const doors: [Role, Victim][] = [
      ['primary', planned('haproxy')],
      ['replica', planned('haproxy')],
      ['primary', { process: 'haproxy worker' }],
    ]
    for (const [role, victim] of doors)
      test(`${nameOf(victim)} in the ${role}’s region: its edge refuses connections until it is back, the other serves`, async (t) => {
        const { region, failures } = await kill(t, role, victim)
        assert.deepEqual(
          failures.filter((one) => one.edge !== region),
          [],
        )
        // No request was lost: only new connections were refused.
        assert.deepEqual(
          [...new Set(failures.map((one) => one.why))].filter((why) => why !== 'ECONNREFUSED'),
          [],
        )
      })

    for (const engine of ['haproxy', 'postgres', 'etcd'])
      test(`the sandbox’s monitor of ${engine}: no effect`, async (t) => {
        const region = await world.find('primary')
        const engines = world.engines()
        const load = users()
        await world.until('orders to flow', () => load.acknowledgedWrites() > 8)
        const fault = await world.killOne(region, { process: 'monitor', of: engine })
        await world.until('orders sent after it', () => load.acknowledgedSince(fault.toMs) > 40)
        const attempts = await load.stop()
        tell(t, attempts, fault)
        assert.deepEqual(failuresOutside(attempts), [])
        assert.deepEqual(world.engines(), engines)
        await world.settled()
      })

    test('an agent: users notice nothing, and the next one adopts the engines', async (t) => {
      const region = await world.find('primary')
      const engines = world.engines()
      const load = users()
      await world.until('orders to flow', () => load.acknowledgedWrites() > 8)
      const fault = await world.killOne(region, { process: 'agent' })
      await world.until('orders sent after it', () => load.acknowledgedSince(fault.toMs) > 40)
      await world.up([region])
      await world.settled()
      const attempts = await load.stop()
      tell(t, attempts, fault)
      assert.deepEqual(failuresOutside(attempts), [])
      assert.deepEqual(world.engines(), engines)
    })

    test('an app that cannot start in one region: the other serves its users', async (t) => {
      const region = await world.find('replica')
      const other = await world.find('primary')
      const load = users()
      await world.until('orders to flow', () => load.acknowledgedWrites() > 8)
      const { fault, repair } = await world.breakApp(region)
      try {
        await world.until('the agent to report that it does not start', async () =>
          (await world.status(region))?.processes
            .filter(({ engine }) => engine === 'app')
            .every((one) => one.state !== 'ready' && one.restarts > 1 && one.why !== undefined),
        )
        await world.until(
          'the region to be reported unhealthy',
          async () => (await world.status(other))?.world?.health[region] === 'unhealthy',
        )
        const unhealthyMs = performance.now()
        await world.until('orders at its edge', () => load.acknowledgedSince(unhealthyMs, region) > 20)
        const since = load.attempts.filter((one) => one.kind === 'write' && one.startedMs > unhealthyMs)
        assert.deepEqual([...new Set(since.map((one) => one.servedBy))], [other])
      } finally {
        repair()
      }
      await world.settled()
      const attempts = await load.stop()
      tell(t, attempts, fault)
      assert.deepEqual(failuresOutside(attempts, fault), [])
      assert.deepEqual(await world.check(), [])
    })
  })
}
