import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type EdgeRegion, type EdgeWorld, startEdges } from '../../support/edge.ts'
import { type Echo, echo } from '../../support/fakes.ts'
import type { Reply } from '../../support/requests.ts'
import { until } from '../../support/sandboxed.ts'
import { threeRegions, twoRegions, withEdge } from '../../support/topologies.ts'

const served = (reply: Reply) => reply.headers['nearside-region']

async function stopApps(edge: EdgeRegion) {
  for (const app of edge.apps) await app.stop()
}

async function restore(world: EdgeWorld, names: string[]) {
  for (const name of names) {
    const edge = world.at(name)
    for (const app of edge.apps) {
      await app.stop()
      app.healthy = true
      app.requests = []
      app.handle = echo(app.name)
      await app.start()
    }
  }
  for (const name of names) {
    const edge = world.at(name)
    const others = names.filter((other) => other !== name)
    await until(`all servers of ${name} to be up again`, async () => {
      const reachable = await Promise.all(others.map(async (other) => (await edge.up(`to-${other}`)).length))
      return (await edge.up('app')).length === edge.apps.length && reachable.every((count) => count === 1)
    })
  }
}

describe('reads', () => {
  const names = ['us-east', 'us-west', 'eu-west']
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: threeRegions, primary: 'us-east' })
  })
  afterEach(() => restore(world, names))
  after(() => world?.stop())

  test('are served by the app of the region that received them', async () => {
    for (const name of names) {
      const reply = await world.at(name).ask('/')
      assert.equal(reply.status, 200)
      assert.match(reply.json<Echo>().name, new RegExp(`^${name}-`))
      assert.equal(served(reply), name)
      assert.equal(reply.headers['nearside-edge'], name)
    }
  })

  test('go to another instance when one has crashed, without an error', async () => {
    const { apps } = world.at('us-west')
    await apps[0]!.stop()
    for (let n = 0; n < 20; n++) {
      const reply = await world.at('us-west').ask('/')
      assert.equal(reply.status, 200)
      assert.equal(served(reply), 'us-west')
    }
  })

  test('spill to the next nearest region from the first request after the app has crashed, without an error', async () => {
    await stopApps(world.at('us-west'))
    for (let n = 0; n < 20; n++) {
      const reply = await world.at('us-west').ask('/')
      assert.equal(reply.status, 200)
      assert.equal(served(reply), 'us-east')
      assert.equal(reply.headers['nearside-edge'], 'us-west')
    }
  })

  test('spill further when the nearest other region has no app either, without an error', async () => {
    await stopApps(world.at('us-east'))
    await until('us-west to see it', async () => (await world.at('us-west').up('to-us-east')).length === 0)
    await stopApps(world.at('us-west'))
    for (let n = 0; n < 20; n++) assert.equal(served(await world.at('us-west').ask('/')), 'eu-west')
  })

  test('spill when the app runs but fails its health check', async () => {
    for (const app of world.at('us-west').apps) app.healthy = false
    await until('a spilled request', async () => served(await world.at('us-west').ask('/')) === 'us-east')
  })

  test('skip a region whose HAProxy is down, without an error', async () => {
    await stopApps(world.at('us-west'))
    await world.at('us-east').haproxy.kill()
    try {
      for (let n = 0; n < 20; n++) assert.equal(served(await world.at('us-west').ask('/')), 'eu-west')
    } finally {
      await world.at('us-east').haproxy.start()
    }
  })

  test('are served locally again when the app is back', async () => {
    await stopApps(world.at('us-west'))
    assert.equal(served(await world.at('us-west').ask('/')), 'us-east')
    for (const app of world.at('us-west').apps) await app.start()
    await until(
      'the app to serve again',
      async () => served(await world.at('us-west').ask('/')) === 'us-west',
    )
  })

  test('are served by an unhealthy app when no other is healthy: the check itself may be at fault', async () => {
    for (const name of names) for (const app of world.at(name).apps) app.healthy = false
    for (const name of names)
      await until(
        'no app to be healthy',
        async () => (await world.at(name).ask('/.nearside/ready')).status === 503,
      )
    for (const name of names)
      for (const method of ['GET', 'POST']) {
        const reply = await world.at(name).ask('/', { method })
        assert.deepEqual([reply.status, served(reply)], [200, name])
      }
  })

  test('get a 503 page with retry-after when no app is left', async () => {
    for (const name of names) await stopApps(world.at(name))
    const reply = await until('a refusal', async () => {
      const answer = await world.at('us-west').ask('/')
      return answer.status === 503 && answer
    })
    assert.equal(reply.headers['retry-after'], '5')
    assert.equal(reply.headers['nearside-edge'], 'us-west')
    assert.match(reply.body, /Temporarily unavailable/)
  })

  test('that crashed an instance are not sent to the next one, which they might crash too', async () => {
    const { apps } = world.at('us-west')
    for (const app of apps) app.handle = (request) => request.socket.destroy()
    assert.equal((await world.at('us-west').ask('/poison')).status, 502)
    assert.equal(apps.flatMap((app) => app.requests).length, 1)
    assert.deepEqual(
      world.at('us-east').apps.flatMap((app) => app.requests),
      [],
    )
  })
})

describe('requests from other regions, on 8081', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  const port = () => world.topology.ports.region
  const fromWest = () => ({ port: port(), localAddress: world.at('us-west').region.address })

  test('are refused from any other address, which takes no connection from them', async () => {
    const strangers = Array.from({ length: 50 }, () => world.at('us-east').raw('', port()))
    for (const stranger of strangers) assert.equal(await stranger.closed(), '')
    for (const path of ['/', '/.nearside/ready'])
      await assert.rejects(world.at('us-east').ask(path, { port: port(), localAddress: '127.0.0.1' }))
    const rows = await world.at('us-east').control.stats()
    const row = rows.find(({ proxy, kind }) => proxy === 'regions' && kind === 'frontend')
    assert.equal(row?.current, 0)
    assert.deepEqual(
      world.at('us-east').apps.flatMap((app) => app.requests),
      [],
    )
  })

  test('are served by this region’s app', async () => {
    const reply = await world.at('us-east').ask('/', fromWest())
    assert.equal(served(reply), 'us-east')
    assert.equal(reply.headers['nearside-edge'], undefined)
  })

  test('are never forwarded: without an app of its own the region refuses them', async () => {
    await restore(world, ['us-east', 'us-west'])
    await stopApps(world.at('us-east'))
    const asked = ['GET', 'POST', 'GET', 'POST'].map((method) =>
      world.at('us-east').ask('/', { ...fromWest(), method }),
    )
    for (const reply of await Promise.all(asked)) assert.equal(reply.status, 503)
    assert.deepEqual(
      world.at('us-west').apps.flatMap((app) => app.requests),
      [],
    )
    await restore(world, ['us-east', 'us-west'])
  })

  test('share connections that are kept open, across clients', async () => {
    const row = async () => {
      const rows = await world.at('us-west').control.stats()
      return rows.find((found) => found.proxy === 'to-us-east' && found.name === 'us-east')!
    }
    await world.at('us-west').ask('/', { method: 'POST' })
    const before = await row()
    for (let n = 0; n < 20; n++) await world.at('us-west').ask('/', { method: 'POST' })
    const now = await row()
    // Each thread of HAProxy may open one.
    assert.ok(now.connects! - before.connects! <= 4)
    assert.ok(now.reuses! - before.reuses! >= 16)
  })

  test('never reach the app on a path of HAProxy’s own endpoints', async () => {
    const before = world.at('us-east').apps.flatMap((app) => app.requests).length
    for (const where of [{}, fromWest()])
      for (const path of ['/.nearside/', '/.nearside/x', '/.nearside/alive/x'])
        assert.equal((await world.at('us-east').ask(path, where)).status, 404)
    assert.equal(world.at('us-east').apps.flatMap((app) => app.requests).length, before)
  })

  test('get the app’s health from HAProxy without a request to the app', async () => {
    const { apps } = world.at('us-east')
    const ready = () => world.at('us-east').ask('/.nearside/ready', fromWest())
    const before = apps.flatMap((app) => app.requests).length
    assert.equal((await ready()).status, 200)
    for (const app of apps) app.healthy = false
    const unhealthy = await until('503', async () => {
      const reply = await ready()
      return reply.status === 503 && reply
    })
    assert.equal(unhealthy.headers['retry-after'], '1')
    assert.equal((await world.at('us-east').ask('/.nearside/alive', fromWest())).status, 200)
    assert.equal(apps.flatMap((app) => app.requests).length, before)
    await restore(world, ['us-east', 'us-west'])
  })
})

describe('an edge without an app', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: withEdge, primary: 'us-east' })
  })
  after(() => world?.stop())

  test('sends reads to the nearest region with one, writes to the primary', async () => {
    const edge = world.at('sa-east')
    const read = await edge.ask('/')
    assert.equal(served(read), 'us-east')
    assert.equal(read.headers['nearside-edge'], 'sa-east')
    await world.setPrimary('eu-west')
    assert.equal(served(await edge.ask('/', { method: 'POST' })), 'eu-west')
    assert.equal((await edge.ask('/.nearside/ready')).status, 200)
  })

  test('fails over to the next nearest region when that one is down, without an error', async () => {
    await world.at('us-east').haproxy.kill()
    for (let n = 0; n < 20; n++) {
      const reply = await world.at('sa-east').ask('/')
      assert.equal(reply.status, 200)
      assert.notEqual(served(reply), 'us-east')
    }
  })

  test('has neither port 8081 nor database endpoints', async () => {
    const { ports } = world.topology
    for (const port of [ports.region, ports.databaseRead, ports.databaseWrite])
      await assert.rejects(world.at('sa-east').ask('/', { port }), /ECONNREFUSED/)
  })
})
