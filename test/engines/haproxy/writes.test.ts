import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { askUnixSocket } from '../../../src/lib/unix-socket.ts'
import { type EdgeWorld, keepAlive, startEdges } from '../../support/edge.ts'
import type { Echo } from '../../support/fakes.ts'
import type { Reply } from '../../support/requests.ts'
import { until } from '../../support/sandboxed.ts'
import { threeRegions, twoRegions } from '../../support/topologies.ts'

const served = (reply: Reply) => reply.headers['nearside-region']
const write = { method: 'POST', body: 'order=1' }

describe('writes', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: threeRegions,
      primary: 'us-east',
      changes: {
        app: {
          writes: {
            also: ['GET /logout', 'GET /cart/*'],
            except: ['POST /search', 'POST /preview/*'],
          },
        },
      },
    })
  })
  after(() => world?.stop())

  test('go to the primary’s region from any edge, with any write method', async () => {
    for (const edge of ['us-east', 'us-west', 'eu-west'])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PURGE', 'MKCOL', 'MOVE', 'LINK', 'LOCK']) {
        const reply = await world.at(edge).ask('/orders', { method, body: 'order=1' })
        assert.equal(served(reply), 'us-east')
        assert.equal(reply.json<Echo>().body, 'order=1')
        assert.equal(reply.headers['nearside-edge'], edge)
      }
  })

  test('are requests with any method that is not known to be safe', async () => {
    // The app itself refuses it.
    const reply = await world.at('us-west').ask('/orders', { method: 'BREW' })
    assert.deepEqual([reply.status, served(reply)], [400, 'us-east'])
  })

  test('follow the topology’s rules by method and path', async () => {
    const cases: [string, string, string][] = [
      ['GET', '/logout', 'us-east'],
      ['GET', '/logout?x=1', 'us-east'],
      ['GET', '/logout/', 'us-west'],
      ['GET', '/cart/add', 'us-east'],
      ['GET', '/cart', 'us-west'],
      ['HEAD', '/logout', 'us-west'],
      ['POST', '/search', 'us-west'],
      ['POST', '/search/deep', 'us-east'],
      ['POST', '/preview/', 'us-west'],
      ['PUT', '/search', 'us-east'],
      ['OPTIONS', '/orders', 'us-west'],
      ['PROPFIND', '/orders', 'us-west'],
      ['REPORT', '/orders', 'us-west'],
      ['SEARCH', '/orders', 'us-west'],
    ]
    for (const [method, path, region] of cases)
      assert.equal(served(await world.at('us-west').ask(path, { method })), region, `${method} ${path}`)
  })

  test('follow the primary when it moves', async () => {
    await world.setPrimary('eu-west')
    for (const edge of ['us-east', 'us-west', 'eu-west'])
      assert.equal(served(await world.at(edge).ask('/orders', write)), 'eu-west')
    await world.setPrimary('us-east')
  })

  test('go to any app when the primary’s region has none, since every app reaches the primary', async () => {
    const { apps } = world.at('us-east')
    for (const app of apps) app.healthy = false
    await until(
      'us-west to serve its own writes',
      async () => served(await world.at('us-west').ask('/orders', write)) === 'us-west',
    )
    const spilled = await world.at('us-east').ask('/orders', write)
    assert.equal(served(spilled), 'us-west')
    for (const app of apps) app.healthy = true
    await until(
      'us-east to serve them again',
      async () => served(await world.at('us-west').ask('/orders', write)) === 'us-east',
    )
  })

  test('that may have reached an app are not sent again unless they carry an Idempotency-Key', async () => {
    const { apps } = world.at('us-east')
    let broken = false
    const breakOnce = () => {
      broken = false
      for (const app of apps) {
        app.requests = []
        app.handle = (request, response) => {
          if (broken) return response.end('again')
          broken = true
          request.socket.destroy()
        }
      }
    }
    for (const edge of ['us-east', 'us-west']) {
      // Also on a kept connection: a browser would resend the request if the connection were just closed.
      const agent = keepAlive()
      for (let n = 0; n < 3; n++) {
        breakOnce()
        assert.equal((await world.at(edge).ask('/orders', { ...write, agent })).status, 502)
        assert.equal(apps.flatMap((app) => app.requests).length, 1)
        breakOnce()
        const headers = { 'idempotency-key': '7' }
        assert.equal((await world.at(edge).ask('/orders', { ...write, headers, agent })).body, 'again')
        assert.equal(apps.flatMap((app) => app.requests).length, 2)
      }
      agent.destroy()
    }
  })
})

describe('a write whose region fails during the request', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: threeRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  test('gets a 502 and is not sent to another region, which serves a read', async () => {
    const east = world.at('us-east')
    const west = world.at('us-west')
    for (const app of east.apps) app.handle = () => {}
    for (const app of west.apps) await app.stop()
    const requests = [
      west.ask('/order', write),
      west.ask('/order', { ...write, headers: { 'idempotency-key': '1' } }),
      west.ask('/page'),
    ]
    await until('the requests to reach the app', () => east.apps.flatMap((app) => app.requests).length === 3)
    world.at('eu-west').patroni.role = 'primary'
    await east.patroni.stop()
    await east.haproxy.kill()
    const [order, known, page] = await Promise.all(requests)
    assert.equal(order?.status, 502)
    assert.deepEqual([known?.status, served(known!)], [200, 'eu-west'])
    assert.deepEqual([page?.status, served(page!)], [200, 'eu-west'])
    assert.deepEqual(
      world
        .at('eu-west')
        .apps.flatMap((app) => app.requests)
        .sort(),
      ['GET /page', 'POST /order'],
    )
  })
})

describe('writes while there is no primary', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      changes: { database: { holdSeconds: 20 } },
    })
  })
  after(() => world?.stop())

  const holding = async () =>
    (await world.at('us-east').control.holding()) + (await world.at('us-west').control.holding())

  test('are held and all succeed once there is a new primary, while reads continue', async () => {
    await world.setPrimary(undefined)
    const writes = Array.from({ length: 60 }, (_, n) =>
      world.at(n % 2 ? 'us-east' : 'us-west').ask(`/orders/${n}`, write),
    )
    await until('all writes to be held', async () => (await holding()) === 60)
    for (const edge of ['us-east', 'us-west']) assert.equal(served(await world.at(edge).ask('/')), edge)
    await world.setPrimary('us-west')
    for (const reply of await Promise.all(writes)) {
      assert.equal(reply.status, 200)
      assert.equal(served(reply), 'us-west')
      assert.ok(Number(reply.json<Echo>().headers['nearside-held']) > 0)
      assert.ok(Number(reply.headers['nearside-held']) > 0)
    }
    assert.equal(await holding(), 0)
    await world.setPrimary('us-east')
  })

  test('all succeed in a steady stream through an outage and a move of the primary', async () => {
    let stop = false
    const replies: Reply[] = []
    const stream = async (edge: string) => {
      const agent = keepAlive()
      while (!stop) replies.push(await world.at(edge).ask('/orders', { ...write, agent }))
      agent.destroy()
    }
    const streams = ['us-east', 'us-east', 'us-west', 'us-west'].map(stream)
    const moved = async (name: string | undefined) => {
      const count = replies.length
      await world.setPrimary(name)
      if (name !== undefined) await until('writes to flow', () => replies.length > count + 50)
    }
    try {
      await until('writes to flow', () => replies.length > 50)
      await moved(undefined)
      await moved('us-west')
      await moved(undefined)
      await moved('us-east')
    } finally {
      stop = true
    }
    await Promise.all(streams)
    assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [200])
  })

  /**
   * A request that is sent on a kept connection at the moment its peer crashes rightly gets a 502, because its fate is
   * unknown. These tests are about later requests.
   */
  const noKeptConnections = (edge: string, to: string) =>
    until('the kept connections to be removed', async () => {
      const socket = join(world.at(edge).folder, 'run/haproxy.sock')
      const [head, ...rows] = (await askUnixSocket(socket, `show servers conn to-${to}`, 5_000)).split('\n')
      const column = head!.split(' ').indexOf('idle_cur') - 1
      const row = rows.find((one) => one.startsWith(`to-${to}/${to} `))!
      return Number(row.split(' ')[column]) === 0
    })

  test('are also held when the primary’s region fails and no check has noticed it yet', async () => {
    await world.setPrimary('us-east')
    const east = world.at('us-east')
    await Promise.all([east.haproxy.kill(), east.patroni.stop(), ...east.apps.map((app) => app.stop())])
    await noKeptConnections('us-west', 'us-east')
    const writes = Array.from({ length: 20 }, () => world.at('us-west').ask('/orders', write))
    await until('us-west to see it', async () => (await world.at('us-west').up('primary')).length === 0)
    world.at('us-west').patroni.role = 'primary'
    for (const reply of await Promise.all(writes)) {
      assert.equal(reply.status, 200)
      assert.equal(served(reply), 'us-west')
    }
    await east.patroni.start()
    for (const app of east.apps) await app.start()
    await east.haproxy.start()
    await world.setPrimary('us-east')
  })

  test('reach no app while it is in doubt whether an unreachable region still holds the primary', async () => {
    await world.setPrimary('us-east')
    const [east, west] = [world.at('us-east'), world.at('us-west')]
    const asked = () =>
      west.apps.flatMap((app) => app.requests).filter((one) => one.endsWith('/doubt')).length
    // Port 8081 is closed, but the database there still reports that it is the primary.
    await east.haproxy.kill()
    await noKeptConnections('us-west', 'us-east')
    const writes = Array.from({ length: 10 }, () => west.ask('/doubt', write))
    await until(
      'the backend to be marked down',
      async () => !(await west.up('to-us-east')).includes('us-east'),
    )
    assert.deepEqual(await west.up('primary'), ['us-east'])
    assert.equal(asked(), 0)
    await east.patroni.stop()
    await until('the primary to be marked down', async () => (await west.up('primary')).length === 0)
    assert.equal(asked(), 0)
    west.patroni.role = 'primary'
    for (const reply of await Promise.all(writes)) assert.equal(served(reply), 'us-west')
    assert.equal(asked(), 10)
    await east.patroni.start()
    await east.haproxy.start()
    await world.setPrimary('us-east')
  })

  test('from another region are held too, if this region sees no primary itself', async () => {
    const west = world.at('us-west')
    await world.setPrimary(undefined)
    const asked = west.ask('/orders', {
      ...write,
      port: world.topology.ports.region,
      localAddress: world.at('us-east').region.address,
    })
    await until('the write to be held', async () => (await west.control.holding()) === 1)
    await world.setPrimary('us-west')
    assert.equal(served(await asked), 'us-west')
    await world.setPrimary('us-east')
  })
})

describe('the hold is limited', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      changes: { database: { holdSeconds: 1 } },
      alter: (_, content) => content.replace(/(sc1_conn_cur\(holding\) gt) \d+/g, '$1 3'),
    })
  })
  after(() => world?.stop())

  test('in time, after which a write gets 503 with retry-after', async () => {
    const reply = await world.at('us-west').ask('/orders', write)
    assert.equal(reply.status, 503)
    assert.equal(reply.headers['retry-after'], '5')
    assert.match(reply.body, /cannot take writes/)
    assert.deepEqual(
      world.at('us-west').apps.flatMap((app) => app.requests),
      [],
    )
  })

  test('in number: further writes get 503 immediately', async () => {
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => world.at('us-west').ask('/orders', write)),
    )
    const tooMany = replies.filter((reply) => /Too many writes/.test(reply.body))
    assert.equal(tooMany.length, 7)
    assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [503])
  })
})
