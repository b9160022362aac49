import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labTopology } from '../../src/lab/topology.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { topologyOf, twoRegions, usEast } from '../support/topologies.ts'

const loaded = (topology: ReturnType<typeof topologyOf>) => ({
  topology,
  file: '/srv/shop/nearside.yaml',
  folder: '/srv/shop',
  appFolder: '/srv/shop',
  warnings: [],
})

test('a lab is a separate world at the lab’s addresses, otherwise like the topology', () => {
  const given = topologyOf({ ...twoRegions, 'us-east': { ...usEast, address: '192.0.2.7' } })
  const { topology } = labTopology(loaded(given))
  assert.equal(topology.name, 'shop-lab')
  assert.deepEqual(
    regionsOf(topology).map((region) => [region.name, region.address, region.role]),
    [
      ['us-east', '10.77.1.1', 'full'],
      ['us-west', '10.77.2.1', 'full'],
      ['us-central', '10.77.3.1', 'witness'],
    ],
  )
  assert.deepEqual(
    { ...topology, name: '', network: {}, regions: {} },
    { ...given, name: '', network: {}, regions: {} },
  )
})

test('names that a lab cannot use are refused', () => {
  const refused = (topology: ReturnType<typeof topologyOf>) => () => labTopology(loaded(topology))
  assert.throws(refused(topologyOf({ ...twoRegions, internet: usEast })), {
    code: 'lab_region_name',
    message: /regions.internet/,
  })
  assert.throws(refused(topologyOf(twoRegions, { name: 'x'.repeat(60) })), { code: 'lab_name_too_long' })
  assert.equal(labTopology(loaded(topologyOf(twoRegions, { name: 'x'.repeat(59) }))).topology.name.length, 63)
})
