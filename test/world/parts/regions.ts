import assert from 'node:assert/strict'
import { before, suite, type TestContext, test } from 'node:test'
import { failuresBeside } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'
import type { TestWorld } from '../../support/world.ts'

/** A region’s power is cut. */
export function regions(started: () => TestWorld): void {
  suite('a whole region killed, with users at the others', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    /** Users at the surviving edges, the region killed among them, and orders flowing again: what did they meet? */
    async function lose(t: TestContext, region: string, survivors: string[]): Promise<void> {
      const load = world.load(survivors, { writesPerSecond: 20, readsPerSecond: 50 })
      await world.until('orders to flow', () => load.acknowledgedWrites() > 30)
      const fault = await world.killRegion(region)
      await world.until('orders sent after the kill', () =>
        survivors.every((edge) => load.acknowledgedSince(fault.toMs, edge) > 100),
      )
      await load.stop()
      tell(t, load.attempts, fault)
      assert.deepEqual(failuresBeside(load.attempts, fault), [])
    }

    async function revive(region: string): Promise<void> {
      await world.up([region])
      await world.settled()
      assert.deepEqual(await world.check(), [])
    }

    test('the primary’s: orders wait instead of failing, none that was acknowledged is lost', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await lose(t, primary, [survivor])
      await revive(primary)
      assert.equal(await world.find('primary'), survivor)
    })

    test('the primary’s again, while etcd is led from there: the one that came back takes over', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await world.leadEtcdFrom(primary)
      await lose(t, primary, [survivor])
      await revive(primary)
      assert.equal(await world.find('primary'), survivor)
    })

    test('the replica’s: orders go on, at risk, until it is back', async (t) => {
      const primary = await world.find('primary')
      const replica = await world.find('replica')
      await lose(t, replica, [primary])
      await world.until(
        'the risk to be told',
        async () => (await world.status(primary))?.world?.durability === 'at risk',
      )
      await revive(replica)
      assert.equal(await world.find('primary'), primary)
    })

    test('the witness: nobody notices', async (t) => {
      await lose(t, 'us-central', ['us-east', 'us-west'])
      await revive('us-central')
    })
  })
}
