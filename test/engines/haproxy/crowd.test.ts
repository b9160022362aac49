import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import {
  budgetsOf,
  crowdOf,
  idleOf,
  uploadsOf,
  uploadsPerAddressOf,
} from '../../../src/engines/haproxy/limits.ts'
import { thisMachine } from '../../../src/lib/machine.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { echo } from '../../support/fakes.ts'
import { until } from '../../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

test('nobody fills the last quarter of a frontend from fewer than 16 addresses, on a machine with 4,096 files or more', () => {
  for (const openFiles of [4_096, 20_000, 65_536, 524_288]) {
    const machine = { openFiles, memoryBytes: 64 * 1024 ** 3 }
    const { users, sockets, writes, regions } = budgetsOf(topologyOf(twoRegions), { full: true }, machine)
    for (const places of [users, sockets, writes, regions]) {
      const { from, each } = crowdOf(places)
      assert.ok(
        (places - from) / each >= (openFiles < 20_000 ? 4 : 16),
        `${openFiles} ${places} ${from} ${each}`,
      )
    }
  }
  const budgets = budgetsOf(
    topologyOf(twoRegions),
    { full: true },
    { openFiles: 20_000, memoryBytes: 8 * 1024 ** 3 },
  )
  const uploads = crowdOf(uploadsOf(budgets))
  const addresses =
    uploads.from / uploadsPerAddressOf(budgets) + (uploadsOf(budgets) - uploads.from) / uploads.each
  assert.ok(addresses > 15, String(addresses))
  assert.deepEqual(crowdOf(3_588), { from: 2_691, each: 35 })
})

const strangers = '127.0.0.11'
const [crowded, each] = [30, 3]
const most = 40

/** Small frontends, so that a test can fill them. */
const small =
  (...frontends: string[]) =>
  (_: string, content: string) =>
    content.replace(/^frontend (\S+)\n(?: .*\n|\n)*/gm, (section, name: string) =>
      frontends.includes(name)
        ? section
            .replace(/maxconn \d+/, `maxconn ${most}`)
            // A machine this small would refuse some at the socket.
            .replace(/(bind unix\S+)/, '$1 backlog 1000')
            .replace(/(fe_conn gt|be_conn\(sockets\) gt) \d+/g, `$1 ${crowded}`)
            .replace(/(sc_conn_cur\(7\) gt) \d+/g, `$1 ${each}`)
        : section,
    )

type Held = { socket: Socket; status: () => string | undefined; ended: () => boolean }

function hold(world: EdgeWorld, edge: string, localAddress: string, send: string): Held {
  const { address } = world.at(edge).region
  const socket = connect({ host: address, port: world.topology.ports.http, localAddress })
  let text = ''
  let ended = false
  socket.on('error', () => undefined).on('close', () => (ended = true))
  socket.on('data', (part) => (text += part))
  socket.write(send)
  return { socket, status: () => /^HTTP\/1.1 (\d+)/.exec(text)?.[1], ended: () => ended }
}

const release = (all: readonly Held[]) => {
  for (const { socket } of all) socket.destroy()
}

describe('one address', () => {
  const slow = 'POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx'
  const worldOf = (frontends: string[], trustedProxies: string[] = []) =>
    startEdges({
      regions: twoRegions,
      primary: 'us-east',
      alter: small(...frontends),
      changes: { edge: { trustedProxies } },
    })
  /** The app never answers `/slow`. */
  const answerSlowly = (world: EdgeWorld) => {
    const waiting: ServerResponse[] = []
    for (const app of world.at('us-east').apps) {
      const answer = echo(app.name)
      app.handle = (request, response) => {
        if (request.url === '/slow') waiting.push(response)
        else return answer(request, response)
      }
    }
    return waiting
  }

  test('cannot keep other users out with idle connections', async () => {
    const world = await worldOf(['users'])
    try {
      const all = Array.from({ length: 60 }, () =>
        hold(world, 'us-east', strangers, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
      )
      await until('some to be answered', () => all.filter((one) => one.status() === '200').length >= crowded)
      for (let n = 0; n < 5; n++)
        for (const method of ['GET', 'POST'])
          assert.equal((await world.at('us-east').ask('/', { method, timeout: 5_000 })).status, 200)
      await until('the rest to be closed', () => all.filter((one) => one.ended()).length >= all.length - most)
      release(all)
      await until('the address to be served again', async () => {
        const reply = await world
          .at('us-east')
          .ask('/', { localAddress: strangers })
          .catch(() => undefined)
        return reply?.status === 200
      })
    } finally {
      await world.stop()
    }
  })

  for (const [frontend, edge] of [
    ['writes', 'us-east'],
    ['writes', 'us-west'],
    ['regions', 'us-west'],
  ] as const)
    test(`cannot stop other users’ writes with slow ones: ${frontend}, through ${edge}`, async () => {
      const world = await worldOf([frontend])
      try {
        const waiting = answerSlowly(world)
        const all = Array.from({ length: 60 }, () => hold(world, edge, strangers, slow))
        const refused = () => all.filter((one) => /^(429|503)$/.test(one.status() ?? '')).length
        await until('each to be answered or to wait', () => refused() + waiting.length === all.length)
        assert.ok(refused() >= all.length - most, String(refused()))
        for (let n = 0; n < 5; n++)
          assert.equal((await world.at(edge).ask('/', { method: 'POST', timeout: 5_000 })).status, 200)
        // Those that fitted end well.
        assert.ok(waiting.length > each, String(waiting.length))
        for (const response of waiting) response.end()
        await until('their answers', () => all.every((one) => one.status() !== undefined))
        assert.equal(all.filter((one) => one.status() === '200').length, waiting.length)
        release(all)
      } finally {
        await world.stop()
      }
    })

  test('cannot take all WebSockets', async () => {
    const world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      alter: (path, content) =>
        small('sockets')(path, content)
          .replace(/(be_conn\(sockets\) gt) \d+/g, `$1 ${crowded}`)
          .replace(/(return status 429 .* sc_conn_cur\(7\) gt) \d+/g, `$1 ${each}`)
          .replace(/(server sockets .* maxconn) \d+/, `$1 ${most}`),
    })
    try {
      for (const app of world.at('us-east').apps)
        app.upgrade = (_, socket) => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
          )
        }
      const upgrade =
        'GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
      const all: Held[] = []
      for (let n = 0; n < most; n++) {
        const one = hold(world, 'us-east', strangers, upgrade)
        all.push(one)
        await until('an answer', () => one.status() !== undefined || one.ended())
      }
      assert.ok(all.filter((one) => one.status() === '101').length <= crowded + each + 1)
      const other = hold(world, 'us-east', '127.0.0.12', upgrade)
      await until('another user’s', () => other.status() === '101')
      release([...all, other])
    } finally {
      await world.stop()
    }
  })
})

describe('behind a trusted proxy', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      alter: small('users', 'writes'),
      changes: { edge: { trustedProxies: ['127.0.9.0/24'] } },
    })
  })
  after(() => world?.stop())

  test('its clients count, and not the proxy', async () => {
    const waiting: ServerResponse[] = []
    for (const app of world.at('us-east').apps)
      app.handle = (request, response) => {
        if (request.url === '/slow') waiting.push(response)
        else response.end()
      }
    const slowOf = (client: string) =>
      `POST /slow HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.1, ${client}\r\ncontent-length: 1\r\n\r\nx`
    const all: Held[] = []
    for (let n = 0; n < 36; n++) {
      const one = hold(world, 'us-east', '127.0.9.7', slowOf('203.0.113.7'))
      all.push(one)
      await until(
        'it to arrive',
        () => waiting.length === all.length || one.status() !== undefined || one.ended(),
      )
    }
    assert.ok(all.some((one) => one.status() === '429'))
    assert.ok(!all.some((one) => one.ended()))
    const reply = await world.at('us-east').ask('/', {
      method: 'POST',
      localAddress: '127.0.9.7',
      headers: { 'x-forwarded-for': '203.0.113.8' },
    })
    assert.equal(reply.status, 200)
    for (const response of waiting) response.end()
    release(all)
  })
})

test('connections between regions that wait for a request are few, so they leave room for those of other edges', async () => {
  const world = await startEdges({
    regions: twoRegions,
    primary: 'us-east',
    alter: (_, content) => content.replaceAll(/(pool-max-conn) \d+/g, '$1 4'),
  })
  try {
    const waiting: ServerResponse[] = []
    for (const app of world.at('us-east').apps) app.handle = (_, response) => void waiting.push(response)
    const all = Array.from({ length: 30 }, () => world.at('us-west').ask('/', { method: 'POST' }))
    await until('all to arrive', () => waiting.length === all.length)
    for (const response of waiting) response.end()
    for (const reply of await Promise.all(all)) assert.equal(reply.status, 200)
    const idle = async () =>
      (await world.at('us-east').control.stats()).find(
        (row) => row.proxy === 'regions' && row.kind === 'frontend',
      )!.current!
    await until('most to be closed', async () => (await idle()) <= 4, 5_000)
    const budgets = budgetsOf(world.topology, { full: true }, thisMachine())
    for (const edges of [2, 5, 20]) assert.ok(idleOf(budgets, edges) * edges <= budgets.regions / 2)
  } finally {
    await world.stop()
  }
})
