import { setTimeout as sleep } from 'node:timers/promises'
import type { RegionStatus } from '../agent/http/status.ts'
import { isFailed } from '../agent/release/state.ts'
import { regionStatus, type WorldHandle } from './handle.ts'

/** How long agents may take to notice that a failed release was cleared: a few reads of etcd. */
const seenMs = 10_000

/** Retries failed releases and processes, because the operator has run `nearside up` again. */
export async function retryFailed(
  world: WorldHandle,
  statuses: ReadonlyMap<string, RegionStatus>,
): Promise<void> {
  const living = world.regions.filter((region) => statuses.has(region.name))
  const ask = () => Promise.all(living.map((region) => regionStatus(world, region, 2000)))
  const deadline = performance.now() + seenMs
  if ([...statuses.values()].some(releaseFailed)) {
    // An agent that was just replaced needs a moment before it answers.
    const [answering] = await until(deadline, async () => {
      const all = await ask()
      return living.filter((_, i) => all[i] !== undefined)
    })
    if (answering) await world.call(answering, 'POST', '/v1/release', {})
    await until(deadline, async () => ((await ask()).some(releaseFailed) ? [] : ['gone']))
  }
  for (const [i, status] of (await ask()).entries())
    for (const { name, engine, state } of status?.processes ?? [])
      if (state === 'gaveUp' || (state === 'backoff' && engine === 'app'))
        await world.call(living[i]!, 'POST', '/v1/restart', { process: name }, 30_000)
}

const releaseFailed = (status: RegionStatus | undefined) => isFailed(status?.world?.release)

async function until<T>(deadline: number, find: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const found = await find()
    if (found.length > 0 || performance.now() > deadline) return found
    await sleep(100)
  }
}
