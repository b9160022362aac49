import { setTimeout as delay } from 'node:timers/promises'
import type { TestWorld } from '../test/support/world.ts'
import { type Loss, lossFigures, measureLoss } from './failover/loss.ts'
import type { Benchmark } from './figure.ts'
import { seconds, withShop } from './world.ts'

const defaultRuns = 10
const rates = { writesPerSecond: 50, readsPerSecond: 200 }
/** Load before the kill, and after orders have resumed. */
const beforeMs = 3000
const afterMs = 5000

export const failover: Benchmark = {
  name: 'failover',
  title: 'Losing the primary’s region, on one machine',
  how: `The primary's region is killed (SIGKILL for everything in it, its agent too) while users at the other edge send
${rates.writesPerSecond} orders and ${rates.readsPerSecond} reads a second, whether earlier ones were answered or not. Pause: longest time without an
acknowledged order. Lost: acknowledged, and missing from a database at the end. Orders under way at the kill are counted
separately: they may have any outcome. Then the region is revived, and must be a sync standby again before the next kill,
which hits the other region.`,
  run: ({ runs = defaultRuns }, say) =>
    withShop(async (world) => {
      await world.up()
      await world.settled()
      const losses: Loss[] = []
      for (let run = 1; run <= runs; run += 1) {
        const loss = await loseThePrimary(world)
        losses.push(loss)
        say(`run ${run} of ${runs}: ${loss.told}`)
      }
      say('reading every order from both databases')
      return lossFigures(losses, await world.violations())
    }),
}

async function loseThePrimary(world: TestWorld): Promise<Loss> {
  const primary = await world.find('primary')
  const survivor = await world.find('replica')
  const load = world.load([survivor], rates)
  await world.until('orders to flow', () => load.acknowledgedWrites() > rates.writesPerSecond)
  await delay(beforeMs)
  const fault = await world.killRegion(primary)
  await world.until('orders sent after the kill', () => load.acknowledgedSince(fault.toMs) > 0)
  await delay(afterMs)
  await load.stop()
  const rejoinSeconds = await seconds(async () => {
    await world.up([primary])
    await world.settled()
  })
  return measureLoss({ primary, attempts: load.attempts, fault, rejoinSeconds })
}
