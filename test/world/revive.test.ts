import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegionStatus } from '../../src/agent/http/status.ts'
import type { RegionHealth } from '../../src/failover/types.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import type { WorldHandle } from '../../src/world/handle.ts'
import { waitsFor, whenBack } from '../../src/world/revive.ts'
import type { Sample } from '../../src/world/start.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const topology = topologyOf(twoRegions)
const regions = regionsOf(topology)
const west = regions.find(({ name }) => name === 'us-west')!
const world = { record: { topology }, regions } as unknown as WorldHandle

const looking = (streaming: boolean, health: RegionHealth, database: object = {}): Sample[] => [
  {
    region: west,
    status: {
      database: { role: 'replica', ...database },
      world: {
        ageMs: 0,
        durability: streaming ? 'region' : 'at risk',
        health: { 'us-west': health },
        lag: { 'us-west': { streaming } },
      },
    } as unknown as RegionStatus,
  },
]

test('a region is back once its database replicates and it is healthy, because only then DNS names it', () => {
  const back = whenBack(world, west)
  assert.equal(back(looking(false, 'unreachable'), 0), 'database')
  assert.equal(back(looking(true, 'unreachable'), 1000), 'health')
  assert.equal(back(looking(true, 'healthy'), 5000), 'back')
})

test('a region that stays unhealthy is awaited for a limited time', () => {
  const back = whenBack(world, west)
  assert.equal(back(looking(true, 'unhealthy'), 1000), 'health')
  assert.equal(back(looking(true, 'unhealthy'), 30_999), 'health')
  assert.equal(back(looking(true, 'unhealthy'), 31_000), 'back')
})

test('the reason for waiting is shown', () => {
  assert.match(waitsFor('database', looking(false, 'healthy'))!, /catch up with the primary/)
  const missing = { missingWal: '000000010000000000000005' }
  assert.match(waitsFor('database', looking(false, 'healthy', missing))!, /replica reinit/)
  assert.match(waitsFor('health', looking(true, 'unreachable'))!, /agree/)
  assert.equal(waitsFor('back', []), undefined)
})
