import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { shop } from '../support/world/apps.ts'
import { failuresBeside } from '../support/world/history.ts'
import { tell } from '../support/world/tell.ts'
import { nameOf, type Role, startWorld, type TestWorld, type Victim } from '../support/world.ts'

const planned = (name: string): Victim => ({ process: 'planned', name })
suite('one process killed, with users at both edges', () => {
  let world: TestWorld
  before(async () => {
    world = await startWorld({ app: shop })
    await world.settled()
  })
  after(() => world?.close())

  /** Kills it under load, waits until it is back and writes go on; gives what users met. */
  async function kill(t: TestContext, role: Role, victim: Victim) {
    const region = await world.find(role)
    const load = world.load(['us-east', 'us-west'], { writesPerSecond: 10, readsPerSecond: 30 })
    await world.until('orders to flow', () => load.acknowledgedWrites() > 20)
    const before = world.victims(region, victim)
    const fault = await world.killOne(region, victim)
    await world.until(`another ${nameOf(victim)}`, () => {
      const now = world.victims(region, victim)
      return now.length > 0 && now.every((pid) => !before.includes(pid))
    })
    await world.settled()
    const settledMs = performance.now()
    await world.until('orders sent after it came back', () =>
      ['us-east', 'us-west'].every((edge) => load.acknowledgedSince(settledMs, edge) > 10),
    )
    const attempts = await load.stop()
    t.diagnostic(`in step again after ${Math.round(settledMs - fault.fromMs)} ms`)
    tell(t, attempts, fault)
    assert.deepEqual(await world.check(load), [])
    return { region, fault, failures: failuresBeside(attempts, fault) }
  }

  const silent: [Role, Victim][] = [
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
    ['primary', planned('haproxy')],
    ['replica', planned('haproxy')],
    ['primary', { process: 'haproxy worker' }],
  ]
  for (const [role, victim] of silent)
    test(`${nameOf(victim)} in the ${role}’s region`, async (t) => {
      const { failures } = await kill(t, role, victim)
      assert.deepEqual(failures, [])
    })
})
