import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { shop } from '../support/world/apps.ts'
import { failuresBeside, summarize, underWayAt } from '../support/world/history.ts'
import { startWorld, type TestWorld } from '../support/world.ts'

let world: TestWorld
before(async () => {
  world = await startWorld({ app: shop })
})
after(() => world?.close())

test('a killed primary region costs no acknowledged order, and orders wait instead of failing', async (t) => {
  await world.settled()
  const primary = await world.find('primary')
  const survivor = await world.find('replica')
  const load = world.load([survivor], { writesPerSecond: 30, readsPerSecond: 60 })
  await world.until('orders to flow', () => load.acknowledgedWrites() > 60)

  const killedMs = await world.killRegion(primary)
  await world.until('orders sent after the kill', () => load.acknowledgedSince(killedMs) > 200)
  await load.stop()
  const { attempts } = load
  t.diagnostic(JSON.stringify(summarize(attempts, killedMs)))
  t.diagnostic(`under way at the kill: ${underWayAt(attempts, killedMs).length}`)
  assert.deepEqual(failuresBeside(attempts, [killedMs]), [])

  await world.up([primary])
  await world.settled()
  assert.equal(await world.find('primary'), survivor)
  assert.deepEqual(await world.check(load), [])
})
