import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connectionsOf } from '../../../src/agent/traffic/connections.ts'
import { type Budget, budgetsOf, heldOf, mostUsers, totalOf } from '../../../src/engines/haproxy/limits.ts'
import { waitingAt } from '../../../src/lib/listeners.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { until } from '../../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

const full = { full: true }
const gigabyte = 1024 ** 3

describe('budgets', () => {
  test('together never exceed the machine’s files, and every frontend has one', () => {
    for (const openFiles of [1024, 4096, 8192, 20_000, 65_536, 1_048_576, Infinity])
      for (const region of [full, { full: false }])
        for (const asked of [undefined, 50, 5_000, 1_000_000]) {
          const topology = topologyOf(twoRegions, { edge: { maxConnections: asked } })
          const budgets = budgetsOf(topology, region, { openFiles, memoryBytes: 64 * gigabyte })
          assert.ok(2 * totalOf(budgets) + 500 <= openFiles, `${openFiles} ${JSON.stringify(budgets)}`)
          for (const [name, budget] of Object.entries(budgets))
            assert.ok(
              budget > 0 || (!region.full && /regions|database|sockets/.test(name)),
              `${openFiles} ${name} ${budget}`,
            )
        }
  })

  test('users get what the topology asks for, as far as the machine allows', () => {
    const machine = { openFiles: 20_000, memoryBytes: 8 * gigabyte }
    const users = (maxConnections?: number) =>
      budgetsOf(topologyOf(twoRegions, { edge: { maxConnections } }), full, machine).users
    assert.equal(users(), 3_588)
    assert.equal(users(100), 100)
    assert.equal(users(6_000), 6_000)
    assert.equal(users(100_000), mostUsers(topologyOf(twoRegions), full, machine))
  })

  test('little memory lowers them', () => {
    const machine = { openFiles: 1_048_576, memoryBytes: gigabyte }
    assert.ok(totalOf(budgetsOf(topologyOf(twoRegions), full, machine)) * 32 * 1024 <= gigabyte / 3)
  })

  test('held writes leave room for others', () => {
    const held = (openFiles: number) =>
      heldOf(budgetsOf(topologyOf(twoRegions), full, { openFiles, memoryBytes: 8 * gigabyte }))
    assert.deepEqual([held(65_536), held(20_000)], [1_904, 538])
  })
})

const limits = { users: 60, regions: 20, 'database-primary': 20, 'database-replica': 20, health: 24 }

/** Small limits, so that a test can reach them. */
const small = (path: string, content: string) =>
  path.endsWith('haproxy.cfg')
    ? Object.entries(limits).reduce(
        (text, [frontend, limit]) =>
          text.replace(
            new RegExp(`(frontend ${frontend}\n(?:  .*\n)*?  maxconn) \\d+`),
            (_, start: string) => `${start} ${limit}`,
          ),
        content.replace(/fe_conn gt \d+/, `fe_conn gt ${limits.health / 2}`),
      )
    : content

describe('a full edge', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      alter: small,
      changes: { edge: { webSocketIdleSeconds: 3600 } },
    })
    // Like many apps, this one does not end its half when the client has ended its own.
    for (const app of world.at('us-east').apps)
      app.upgrade = (_, socket) => {
        socket.on('data', () => undefined)
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        )
      }
  })
  after(() => world?.stop())

  const handshake =
    'GET /socket HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

  async function open(port: number, localAddress?: string, send = handshake): Promise<Socket> {
    const socket = connect({
      port,
      host: world.at('us-east').region.address,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(send)
    await once(socket, 'data')
    return socket
  }
  const many = (count: number, port: number, localAddress?: string, send?: string) =>
    Promise.all(Array.from({ length: count }, () => open(port, localAddress, send)))

  const connections = async () => {
    const { region, control } = world.at('us-east')
    return connectionsOf(await control.stats(), () => waitingAt(region.address, world.topology.ports.http))
  }
  const current = async (budget: Budget) => (await connections())[budget]!.current

  /** Everything but users' own connections. */
  async function othersWork(): Promise<void> {
    const [east, west] = [world.at('us-east'), world.at('us-west')]
    const { ports } = world.topology
    for (const path of ['/.nearside/alive', '/.nearside/ready', '/.nearside/serving'])
      assert.equal((await east.ask(path, { port: ports.health, timeout: 2_000 })).status, 200)
    assert.deepEqual(await west.up('to-us-east'), ['us-east'])
  }
  const regionsWork = async () => {
    const reply = await world.at('us-west').ask('/orders', { method: 'POST', timeout: 5_000 })
    assert.deepEqual([reply.status, reply.headers['nearside-region']], [200, 'us-east'])
  }
  const databasesWork = async () => {
    const { ports } = world.topology
    for (const port of [ports.databaseWrite, ports.databaseRead]) {
      const session = world.at('us-east').raw('', port)
      await session.wait('the database', (text) => text.startsWith('us-east'))
      session.close()
    }
  }

  test('lets further users wait, says so, and stays healthy; half-closed WebSockets end, and others come', async () => {
    const { ports } = world.topology
    for (const round of [1, 2]) {
      const sockets = await many(limits.users, ports.http)
      const waiting = world.at('us-east').ask('/late')
      let answered = false
      void waiting.then(() => {
        answered = true
      })
      await until('the limit', async () => (await connections()).usersWaiting > 0)
      assert.deepEqual((await connections()).users, { current: limits.users, limit: limits.users })
      await othersWork()
      await regionsWork()
      await databasesWork()
      assert.equal(answered, false)
      for (const socket of sockets) socket.end()
      assert.equal((await waiting).status, 200, `round ${round}`)
      // The app still has its half of each open.
      await until('the connections to end', async () => (await current('users')) < 10, 15_000)
      assert.equal((await world.at('us-east').ask('/')).status, 200)
      for (const socket of sockets) socket.destroy()
    }
  })

  test('one of whose budgets is used up by others still serves users', async () => {
    const { ports } = world.topology
    const { address } = world.at('us-east').region
    const west = world.at('us-west').region.address
    // Some more than fit: the other region keeps connections of its own.
    const occupy = (port: number, localAddress?: string) =>
      Array.from({ length: 25 }, () => {
        const socket = connect({
          port,
          host: address,
          ...(localAddress === undefined ? {} : { localAddress }),
        })
        socket.on('error', () => undefined)
        socket.write(handshake)
        return socket
      })
    const held = [
      ...occupy(ports.region, west),
      ...occupy(ports.databaseWrite),
      ...occupy(ports.databaseRead),
    ]
    for (const budget of ['regions', 'databaseWrite', 'databaseRead'] as const)
      await until(`${budget} to be full`, async () => {
        const { current, limit } = (await connections())[budget]!
        return current === limit
      })
    assert.equal((await world.at('us-east').ask('/')).status, 200)
    assert.equal((await world.at('us-east').ask('/', { method: 'POST' })).status, 200)
    await othersWork()
    for (const socket of held) socket.destroy()
    await until('them to end', async () => (await current('regions')) < 5, 15_000)
  })

  test('answers health checks of regions while a stranger holds as many connections there as it can', async () => {
    const { ports } = world.topology
    const { address } = world.at('us-east').region
    const strangers = Array.from({ length: 100 }, () => connect({ port: ports.health, host: address }))
    for (const socket of strangers) socket.on('error', () => undefined)
    await until('the connections', async () => (await current('health')) >= limits.health / 2)
    const reply = await world.at('us-east').ask('/.nearside/ready', {
      port: ports.health,
      localAddress: world.at('us-west').region.address,
      timeout: 2_000,
    })
    assert.equal(reply.status, 200)
    for (const socket of strangers) socket.destroy()
  })
})

describe('an idle WebSocket', () => {
  test('ends after edge.webSocketIdleSeconds, and not while data flows', async () => {
    const world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      changes: { edge: { webSocketIdleSeconds: 1 } },
    })
    try {
      for (const app of world.at('us-east').apps)
        app.upgrade = (_, socket) => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
          )
          socket.pipe(socket)
        }
      const handshake =
        'GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
      const idle = world.at('us-east').raw(handshake)
      const busy = world.at('us-east').raw(handshake)
      for (const one of [idle, busy]) await one.wait('the switch', (text) => text.includes('\r\n\r\n'))
      const timer = setInterval(() => busy.socket.write('x'), 200)
      const startedAt = performance.now()
      await idle.closed()
      assert.ok(performance.now() - startedAt < 5_000)
      await busy.wait('its data', (text) => text.endsWith('x'.repeat(10)))
      clearInterval(timer)
      busy.close()
    } finally {
      await world.stop()
    }
  })
})
