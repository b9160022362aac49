import assert from 'node:assert/strict'
import { before, suite, type TestContext, test } from 'node:test'
import { failuresOutside } from '../../support/world/history.ts'
import { tell } from '../../support/world/tell.ts'
import type { TestWorld } from '../../support/world.ts'

/** Power loss of a region. */
export function regions(started: () => TestWorld): void {
  suite('a whole region killed, with users at the others', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    /** Kills the region with users at the surviving edges and waits until orders flow again. Checks the users' failures. */
    async function lose(t: TestContext, region: string, survivors: string[]): Promise<void> {
      const load = world.load(survivors, { writesPerSecond: 20, readsPerSecond: 50 })
      await world.until('orders to flow', () => load.acknowledgedWrites() > 30)
      const fault = await world.killRegion(region)
      await world.until('orders sent after the kill', () =>
        survivors.every((edge) => load.acknowledgedSince(fault.toMs, edge) > 100),
      )
      await load.stop()
      tell(t, load.attempts, fault)
      assert.deepEqual(failuresOutside(load.attempts, fault), [])
    }

    async function revive(region: string): Promise<void> {
      await world.up([region])
      await world.settled()
      assert.deepEqual(await world.check(), [])
    }

    test('the primary’s: orders wait instead of failing, and no acknowledged order is lost', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await lose(t, primary, [survivor])
      await revive(primary)
      assert.equal(await world.find('primary'), survivor)
    })

    test('the primary’s again, with the etcd leader in it: the region that returned takes over', async (t) => {
      const primary = await world.find('primary')
      const survivor = await world.find('replica')
      await world.leadEtcdFrom(primary)
      await lose(t, primary, [survivor])
      await revive(primary)
      assert.equal(await world.find('primary'), survivor)
    })

    test('the replica’s: orders continue, at risk, until it is back', async (t) => {
      const primary = await world.find('primary')
      const replica = await world.find('replica')
      await lose(t, replica, [primary])
      await world.until(
        'the risk to be reported',
        async () => (await world.status(primary))?.world?.durability === 'at risk',
      )
      await revive(replica)
      assert.equal(await world.find('primary'), primary)
    })

    test('the witness: users notice nothing', async (t) => {
      await lose(t, 'us-central', ['us-east', 'us-west'])
      await revive('us-central')
    })
  })
}
