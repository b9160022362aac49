import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { labOf } from '../../src/lab/lab.ts'
import { lineOf } from '../../src/lab/links.ts'
import { labTopology } from '../../src/lab/topology.ts'
import { handleOf } from '../../src/world/handle.ts'
import { labPlace } from '../support/lab/place.ts'
import { LabWorld } from '../support/lab/world.ts'
import { sampleSecrets, topologyOf, twoRegions } from '../support/topologies.ts'
import { ledger } from '../support/world/apps.ts'
import { commands } from './parts/commands.ts'
import { cuts } from './parts/cuts.ts'
import { latencies } from './parts/latencies.ts'
import { lost } from './parts/lost.ts'
import { users, withCities } from './parts/users.ts'

const place = await labPlace(ledger)

/** One lab for all tests that need one, because it takes long to start. Each part leaves it intact. */
suite('a lab', { skip: 'skip' in place ? place.skip : false }, () => {
  let lab: LabWorld | undefined
  before(async () => {
    if (!('skip' in place)) lab = await LabWorld.start(place, { topology: withCities(place.lab!.temporary) })
  })
  after(() => lab?.close())

  for (const part of [latencies, commands, users, cuts, lost]) part(() => lab!)
})

test('a lab finds links by name, with measured round trips, and suggests names', () => {
  const places = {
    file: '/srv/shop/nearside.yaml',
    folder: '/srv/shop',
    appFolder: '/srv/shop',
    warnings: [],
  }
  const { topology } = labTopology({ topology: topologyOf(twoRegions), ...places })
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
