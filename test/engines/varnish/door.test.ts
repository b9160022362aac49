import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('Varnish’s listeners', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east', varnish: true })
  })
  after(() => world?.stop())

  test('the one for health checks ends each connection with its answer, so that no client keeps threads', async () => {
    const { varnish } = world.topology.ports
    for (const path of ['/.nearside/alive', '/assets/a.js']) {
      const request = `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`
      const text = await world.at('us-east').raw(request.repeat(3), varnish).closed()
      assert.equal(text.match(/^HTTP\/1.1 /gm)?.length, 1, text)
    }
  })

  test('no request purges, from any client', async () => {
    const edge = world.at('us-east')
    // To the edge these methods are writes like any other. An app that knows them decides itself what changes.
    for (const app of edge.apps)
      app.handle = ({ method }, response) => {
        response.statusCode = method === 'GET' ? 200 : 405
        response.end()
      }
    await edge.ask('/assets/a.js')
    for (const method of ['PURGE', 'BAN', 'REFRESH']) await edge.ask('/assets/a.js', { method })
    const direct = await edge.ask('/assets/a.js', { method: 'PURGE', port: world.topology.ports.varnish })
    assert.equal(direct.status, 403)
    assert.equal((await edge.ask('/assets/a.js', { port: world.topology.ports.varnish })).status, 403)
    assert.equal((await edge.ask('/.nearside/alive', { port: world.topology.ports.varnish })).status, 200)
    assert.match(String((await edge.ask('/assets/a.js')).headers['cache-status']), /; hit/)
  })
})
