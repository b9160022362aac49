import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegionStatus } from '../../src/agent/http/status.ts'
import { waitsFor, whenBack } from '../../src/cli/revive.ts'
import type { Fitness } from '../../src/failover/types.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import type { WorldHandle } from '../../src/world/handle.ts'
import type { Look } from '../../src/world/start.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const topology = topologyOf(twoRegions)
const regions = regionsOf(topology)
const west = regions.find(({ name }) => name === 'us-west')!
const world = { record: { topology }, regions } as unknown as WorldHandle

const looking = (streaming: boolean, fitness: Fitness, database: object = {}): Look[] => [
  {
    region: west,
    status: {
      database: { role: 'replica', ...database },
      world: {
        ageMs: 0,
        durability: streaming ? 'region' : 'at risk',
        fitness: { 'us-west': fitness },
        lag: { 'us-west': { streaming } },
      },
    } as unknown as RegionStatus,
  },
]

test('a region is back when its database follows and it is fit, not before: DNS would not name it', () => {
  const back = whenBack(world, west)
  assert.equal(back(looking(false, 'lost'), 0), 'database')
  assert.equal(back(looking(true, 'lost'), 1000), 'fitness')
  assert.equal(back(looking(true, 'fit'), 5000), 'back')
})

test('one that stays unfit is not waited for without end', () => {
  const back = whenBack(world, west)
  assert.equal(back(looking(true, 'unfit'), 1000), 'fitness')
  assert.equal(back(looking(true, 'unfit'), 30_999), 'fitness')
  assert.equal(back(looking(true, 'unfit'), 31_000), 'back')
})

test('who waits is told for what', () => {
  assert.match(waitsFor('database', looking(false, 'fit'))!, /comes into step/)
  const missing = { missingWal: '000000010000000000000005' }
  assert.match(waitsFor('database', looking(false, 'fit', missing))!, /copied anew/)
  assert.match(waitsFor('fitness', looking(true, 'lost'))!, /agree/)
  assert.equal(waitsFor('back', []), undefined)
})
