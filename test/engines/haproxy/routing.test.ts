import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import type { Echo } from '../../support/fakes.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('an edge with its own app', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  test('reads are served by the app of the region that received them', async () => {
    for (const name of ['us-east', 'us-west']) {
      const reply = await world.at(name).ask('/')
      assert.equal(reply.status, 200)
      assert.match(reply.json<Echo>().name, new RegExp(`^${name}-`))
      assert.equal(reply.headers['nearside-region'], name)
      assert.equal(reply.headers['nearside-edge'], name)
    }
  })
})
