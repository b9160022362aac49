import assert from 'node:assert/strict'
import { after, before, suite, type TestContext, test } from 'node:test'
import { shop } from '../support/world/apps.ts'
import { failuresBeside } from '../support/world/history.ts'
import type { Load } from '../support/world/load.ts'
import { tell } from '../support/world/tell.ts'
import { startWorld, type TestWorld } from '../support/world.ts'

suite('a whole region killed, with users at the others', () => {
  let world: TestWorld
  before(async () => {
    world = await startWorld({ app: shop })
    await world.settled()
  })
  after(() => world?.close())

  /** Users at the surviving edges, the region killed among them, and orders flowing again: what did they meet? */
  async function lose(t: TestContext, region: string, survivors: string[]): Promise<Load> {
    const load = world.load(survivors, { writesPerSecond: 20, readsPerSecond: 50 })
    await world.until('orders to flow', () => load.acknowledgedWrites() > 30)
    const fault = await world.killRegion(region)
    await world.until('orders sent after the kill', () =>
      survivors.every((edge) => load.acknowledgedSince(fault.toMs, edge) > 100),
    )
    await load.stop()
    tell(t, load.attempts, fault)
    assert.deepEqual(failuresBeside(load.attempts, fault), [])
    return load
  }

  async function revive(region: string, load: Load): Promise<void> {
    await world.up([region])
    await world.settled()
    assert.deepEqual(await world.check(load), [])
  }

  test('the primary’s: orders wait instead of failing, none that was acknowledged is lost', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    const load = await lose(t, primary, [survivor])
    await revive(primary, load)
    assert.equal(await world.find('primary'), survivor)
  })

  test('the primary’s again, so that the one that came back takes over', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    await revive(primary, await lose(t, primary, [survivor]))
    assert.equal(await world.find('primary'), survivor)
  })

  test('the replica’s: orders go on, at risk, until it is back', async (t) => {
    const primary = await world.find('primary')
    const replica = await world.find('replica')
    const load = await lose(t, replica, [primary])
    await world.until(
      'the risk to be told',
      async () => (await world.status(primary))?.world?.durability === 'at risk',
    )
    await revive(replica, load)
    assert.equal(await world.find('primary'), primary)
  })

  test('the witness: nobody notices', async (t) => {
    await revive('us-central', await lose(t, 'us-central', ['us-east', 'us-west']))
  })

  test('the primary’s while etcd is led from there', async (t) => {
    const primary = await world.find('primary')
    const survivor = await world.find('replica')
    await world.leadEtcdFrom(primary)
    await revive(primary, await lose(t, primary, [survivor]))
    assert.equal(await world.find('primary'), survivor)
  })
})
