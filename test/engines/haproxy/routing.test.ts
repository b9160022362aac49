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
    await until(`${name} to be whole again`, async () => {
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

  test('go to another instance when one has died, none fails', async () => {
    const { apps } = world.at('us-west')
    await apps[0]!.stop()
    for (let n = 0; n < 20; n++) {
      const reply = await world.at('us-west').ask('/')
      assert.equal(reply.status, 200)
      assert.equal(served(reply), 'us-west')
    }
  })

  test('spill to the next nearest region from the first request after the app has died, none fails', async () => {
    await stopApps(world.at('us-west'))
    for (let n = 0; n < 20; n++) {
      const reply = await world.at('us-west').ask('/')
      assert.equal(reply.status, 200)
      assert.equal(served(reply), 'us-east')
      assert.equal(reply.headers['nearside-edge'], 'us-west')
    }
  })

  test('spill on when the nearest other region has no app either, none fails', async () => {
    await stopApps(world.at('us-east'))
    await until('us-west to see it', async () => (await world.at('us-west').up('to-us-east')).length === 0)
    await stopApps(world.at('us-west'))
    for (let n = 0; n < 20; n++) assert.equal(served(await world.at('us-west').ask('/')), 'eu-west')
  })

  test('spill when an app is there but says that it is not healthy', async () => {
    for (const app of world.at('us-west').apps) app.healthy = false
    await until('a spilled request', async () => served(await world.at('us-west').ask('/')) === 'us-east')
  })

  test('spill past a region whose HAProxy is gone, none fails', async () => {
    await stopApps(world.at('us-west'))
    await world.at('us-east').haproxy.kill()
    try {
      for (let n = 0; n < 20; n++) assert.equal(served(await world.at('us-west').ask('/')), 'eu-west')
    } finally {
      await world.at('us-east').haproxy.start()
    }
  })

  test('return home when the app is back', async () => {
    await stopApps(world.at('us-west'))
    assert.equal(served(await world.at('us-west').ask('/')), 'us-east')
    for (const app of world.at('us-west').apps) await app.start()
    await until(
      'the app to serve again',
      async () => served(await world.at('us-west').ask('/')) === 'us-west',
    )
  })

  test('are served by an app that says it is not healthy when no other is: the check may be what fails', async () => {
    for (const name of names) for (const app of world.at(name).apps) app.healthy = false
    for (const name of names)
      await until(
        'nobody to be healthy',
        async () => (await world.at(name).ask('/.nearside/ready')).status === 503,
      )
    for (const name of names)
      for (const method of ['GET', 'POST']) {
        const reply = await world.at(name).ask('/', { method })
        assert.deepEqual([reply.status, served(reply)], [200, name])
      }
  })

  test('get a page that says when to come back when nobody is left', async () => {
    for (const name of names) await stopApps(world.at(name))
    const reply = await until('a refusal', async () => {
      const answer = await world.at('us-west').ask('/')
      return answer.status === 503 && answer
    })
    assert.equal(reply.headers['retry-after'], '5')
    assert.equal(reply.headers['nearside-edge'], 'us-west')
    assert.match(reply.body, /Not available at the moment/)
  })

  test('that ended the instance that had them are not sent to the next: they might end that one, too', async () => {
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

  test('are refused from any other address', async () => {
    const reply = await world.at('us-east').ask('/', { port: port(), localAddress: '127.0.0.1' })
    assert.equal(reply.status, 403)
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

  test('are never sent on: without an app of its own the region refuses, and nobody else is asked', async () => {
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

  test('travel over connections that are kept open, whoever sends them', async () => {
    const row = async () => {
      const rows = await world.at('us-west').control.stats()
      return rows.find((found) => found.proxy === 'to-us-east' && found.name === 'us-east')!
    }
    await world.at('us-west').ask('/', { method: 'POST' })
    const before = await row()
    for (let n = 0; n < 20; n++) await world.at('us-west').ask('/', { method: 'POST' })
    const now = await row()
    // Each thread of HAProxy may make one of its own.
    assert.ok(now.connects! - before.connects! <= 4)
    assert.ok(now.reuses! - before.reuses! >= 16)
  })

  test('never reach the app on a path of Nearside’s own', async () => {
    const before = world.at('us-east').apps.flatMap((app) => app.requests).length
    for (const where of [{}, fromWest()])
      for (const path of ['/.nearside/', '/.nearside/x', '/.nearside/alive/x'])
        assert.equal((await world.at('us-east').ask(path, where)).status, 404)
    assert.equal(world.at('us-east').apps.flatMap((app) => app.requests).length, before)
  })

  test('say whether the app is healthy without asking it', async () => {
    const { apps } = world.at('us-east')
    const ready = () => world.at('us-east').ask('/.nearside/ready', { port: port() })
    const before = apps.flatMap((app) => app.requests).length
    assert.equal((await ready()).status, 200)
    for (const app of apps) app.healthy = false
    const unhealthy = await until('503', async () => {
      const reply = await ready()
      return reply.status === 503 && reply
    })
    assert.equal(unhealthy.headers['retry-after'], '1')
    assert.equal((await world.at('us-east').ask('/.nearside/alive', { port: port() })).status, 200)
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

  test('goes on to the next nearest when that one is lost, none fails', async () => {
    await world.at('us-east').haproxy.kill()
    for (let n = 0; n < 20; n++) {
      const reply = await world.at('sa-east').ask('/')
      assert.equal(reply.status, 200)
      assert.notEqual(served(reply), 'us-east')
    }
  })

  test('has no door for other regions and no database endpoints', async () => {
    const { ports } = world.topology
    for (const port of [ports.region, ports.databaseRead, ports.databaseWrite])
      await assert.rejects(world.at('sa-east').ask('/', { port }), /ECONNREFUSED/)
  })
})
