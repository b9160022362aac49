import { setTimeout as sleep } from 'node:timers/promises'
import type { RegionStatus } from '../../agent/status.ts'
import { regionStatus, type WorldHandle } from '../world.ts'

/** How long agents may take to see that a failed release has been forgotten: a few looks at etcd. */
const seenMs = 10_000

/** What failed for good gets another chance, because someone has typed `nearside up` again. */
export async function retryFailed(
  world: WorldHandle,
  statuses: ReadonlyMap<string, RegionStatus>,
): Promise<void> {
  const living = world.regions.filter((region) => statuses.has(region.name))
  const failed = (status: RegionStatus | undefined) => status?.world?.release?.startsWith('failed') === true
  if ([...statuses.values()].some(failed)) {
    await world.call(living[0]!, 'POST', '/v1/release', {})
    const deadline = Date.now() + seenMs
    const still = async () =>
      (await Promise.all(living.map((region) => regionStatus(world, region, 2000)))).some(failed)
    while (Date.now() < deadline && (await still())) await sleep(100)
  }
  for (const region of living)
    for (const { name, state } of statuses.get(region.name)!.processes)
      if (state === 'gaveUp') await world.call(region, 'POST', '/v1/restart', { process: name }, 30_000)
}
