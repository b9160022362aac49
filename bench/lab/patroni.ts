import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readWorld } from '../../src/agent/layout.ts'
import { patroniRequest } from '../../src/engines/postgres/control.ts'
import { patroniPrefix } from '../../src/engines/postgres/render.ts'
import type { Secrets } from '../../src/topology/secrets.ts'
import type { TestWorld } from '../../test/support/world.ts'

/** Patroni’s timing in seconds. */
export type Timing = { ttl: number; loop_wait: number; retry_timeout: number }

/**
 * Changes the timing of a running world's Patroni through its REST API and waits until the leader key has it. Agents
 * restore their own timing when they start or the primary moves, so call this before each measurement.
 */
export async function setTiming(world: TestWorld, timing: Timing): Promise<void> {
  const { topology } = await readWorld(world.folder)
  const secrets = JSON.parse(readFileSync(join(world.folder, 'secrets.json'), 'utf8')) as Secrets
  const primary = await world.find('primary')
  const call = async (method: 'GET' | 'PATCH', body?: Timing) => {
    const context = { topology, secrets }
    const address = world.address(primary)
    return JSON.parse(
      await patroniRequest(context, address, method, '/config', body && { ...body }, 10_000),
    ) as Timing
  }
  const isAsWanted = async () => {
    const { ttl, loop_wait, retry_timeout } = await call('GET')
    return ttl === timing.ttl && loop_wait === timing.loop_wait && retry_timeout === timing.retry_timeout
  }
  const etcd = world.etcd(world.regions.find((region) => region !== primary)!)
  const lease = async () => (await etcd.get(`${patroniPrefix(topology.name)}leader`))[0]?.lease
  if (await isAsWanted()) return
  const before = await lease()
  await call('PATCH', timing)
  // The TTL of a lease is fixed: a new lease means that Patroni has applied the timing.
  await world.until(`Patroni to have a ttl of ${timing.ttl} s`, async () => {
    if (!(await isAsWanted())) await call('PATCH', timing)
    const now = await lease()
    return now !== undefined && now !== before
  })
}
