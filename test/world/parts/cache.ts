import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { ask } from '../../support/requests.ts'
import type { TestWorld } from '../../support/world.ts'

/** What the agents say of their CDN caches. */
export function cache(started: () => TestWorld): void {
  suite('a world’s CDN caches', () => {
    let world: TestWorld
    before(async () => {
      world = started()
      await world.settled()
    })

    test('are measured by the agents: status and metrics count hits, and there is no trouble', async () => {
      const region = await world.find('primary')
      const { topology } = world.context(region)
      // Static, and not immutable, so Varnish answers it.
      const path = '/assets/favicon.svg'
      const measured = await world.until('a hit in the status', async () => {
        await ask(world.address(region), topology.ports.http, path)
        const state = (await world.status(region))?.cache
        return state?.kind === 'measured' && state.lastMinute.hits > 0 ? state : undefined
      })
      assert.deepEqual(measured.trouble, [])
      assert.equal(measured.limitBytes, 64 * 1024 ** 2)
      const { body } = await ask(world.address(region), topology.ports.agent, '/metrics')
      assert.match(body, /^nearside_cache_hits_total [1-9]/m)
      assert.match(body, /^nearside_cache_limit_bytes\{storage="cache"\} 67108864$/m)
    })
  })
}
