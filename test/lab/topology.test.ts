import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labOf, labTopology } from '../../src/lab/lab.ts'
import { lineOf } from '../../src/lab/links.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { handleOf } from '../../src/world/handle.ts'
import { sampleSecrets, topologyOf, twoRegions, usEast } from '../support/topologies.ts'

const loaded = (topology: ReturnType<typeof topologyOf>) => ({
  topology,
  file: '/srv/shop/nearside.yaml',
  folder: '/srv/shop',
  appFolder: '/srv/shop',
  warnings: [],
})

test('a lab is a world of its own, at the lab’s addresses, otherwise as the topology says', () => {
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

test('names that a lab cannot have are refused', () => {
  const refused = (topology: ReturnType<typeof topologyOf>) => () => labTopology(loaded(topology))
  assert.throws(refused(topologyOf({ ...twoRegions, internet: usEast })), {
    code: 'lab_region_name',
    message: /regions.internet/,
  })
  assert.throws(refused(topologyOf(twoRegions, { name: 'x'.repeat(60) })), { code: 'lab_name_too_long' })
  assert.equal(labTopology(loaded(topologyOf(twoRegions, { name: 'x'.repeat(59) }))).topology.name.length, 63)
})

test('a lab knows its links by name, with measured round trips, and says what was meant', () => {
  const { topology } = labTopology(loaded(topologyOf(twoRegions)))
  const record = {
    topology,
    revision: 'r',
    topologyFile: '/x',
    appFolder: '/x',
    run: '1',
    lab: { id: '0123abcd', rttMs: { 'us-west us-east': 70 } },
  }
  const lab = labOf(handleOf('/srv/shop/.nearside/shop-lab', record, sampleSecrets))
  assert.deepEqual(lab.base('us-east', 'us-west'), lineOf(35))
  assert.throws(() => lab.base('us-east', 'us-wets'), { remedy: 'did you mean us-west?' })
  assert.throws(() => lab.inside('us-east'), { code: 'lab_network_missing' })
})
