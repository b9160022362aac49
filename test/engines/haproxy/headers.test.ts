import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { type Echo, echo } from '../../support/fakes.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('headers', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: twoRegions, primary: 'us-east' })
  })
  after(() => world?.stop())

  /** Every spelling that some server on the path to the app might take for the real header. */
  const forged = {
    'Nearside-Edge': 'forged',
    'nearside-region': 'forged',
    nearside_edge: 'forged',
    NEARSIDE_HOP: 'forged',
    'nearside-held': '999999',
    'nearside-reroute': '9',
    'nearside-static': '1',
    'X-Forwarded-For': '203.0.113.9',
    X_Forwarded_For: '203.0.113.9',
    'x-forwarded-Proto': 'https',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Port': '1',
    'X-Real-IP': '203.0.113.9',
    Forwarded: 'for=203.0.113.9;proto=https',
    X_Real_IP: '203.0.113.9',
    'X-Real_IP': '203.0.113.9',
    'X-Forwarded_For': '203.0.113.9',
    X_forwarded_Proto: 'https',
    'x.forwarded.for': '203.0.113.9',
    Proxy: 'http://evil.example',
    'Client-IP': '203.0.113.9',
    X_Client_IP: '203.0.113.9',
    'True-Client-IP': '203.0.113.9',
    'X-Cluster-Client-IP': '203.0.113.9',
    'CF-Connecting-IP': '203.0.113.9',
    CF_Connecting_IP: '203.0.113.9',
    'X-Original-URL': '/admin',
    'X-Rewrite-URL': '/admin',
    'X-Original-Forwarded-For': '203.0.113.9',
    'X-Host': 'evil.example',
    'Front-End-Https': 'on',
  }
  const forgedNames = Object.keys(forged).map((name) => name.toLowerCase())

  const expected = (edge: string) => ({
    'nearside-edge': edge,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    forwarded: 'for=127.0.0.1;proto=http',
  })

  const said = (headers: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(headers).filter(
        ([name]) => /^(nearside|x[-_]forwarded|x-real|forwarded)/.test(name) || forgedNames.includes(name),
      ),
    )

  test('a client cannot forge forwarding or Nearside headers, in any spelling', async () => {
    const reply = await world.at('us-east').ask('/', { headers: { ...forged, host: 'shop.example.com' } })
    assert.deepEqual(said(reply.json<Echo>().headers), expected('us-east'))
  })

  test('a client cannot say what only a proxy says, in the words of any proxy or cloud', async () => {
    const names = [
      'forwarded-for',
      'wl-proxy-client-ip',
      'x_forward_for',
      'cf-visitor',
      'x-arr-ssl',
      'x-https',
    ]
    const more = [
      'cloudfront-forwarded-proto',
      'x-http-host-override',
      'x-middleware-subrequest',
      'keep-alive',
    ]
    const headers = Object.fromEntries(
      [...names, ...more, 'proxy-connection'].map((name) => [name, 'forged']),
    )
    const reply = (await world.at('us-east').ask('/', { headers })).json<Echo>()
    assert.deepEqual(
      Object.values(reply.headers).filter((value) => value === 'forged'),
      [],
    )
  })

  test('through two edges, the app gets the address that the first edge saw', async () => {
    const reply = await world.at('us-west').ask('/', {
      method: 'POST',
      headers: { ...forged, host: 'shop.example.com:8080' },
    })
    assert.match(reply.json<Echo>().name, /^us-east-/)
    assert.deepEqual(said(reply.json<Echo>().headers), {
      ...expected('us-west'),
      'nearside-hop': '1',
    })
    assert.equal(reply.headers['nearside-edge'], 'us-west')
    assert.equal(reply.headers['nearside-region'], 'us-east')
  })

  test('headers of an app’s own, whose names only resemble such, reach it', async () => {
    const own = {
      'x-client': 'a',
      'x-realm': 'b',
      'proxy-hint': 'c',
      'forwarded-by-me': 'd',
      'x-http-method-override': 'PUT',
      'x-hostess': 'e',
    }
    const { headers } = (await world.at('us-east').ask('/', { headers: own })).json<Echo>()
    for (const [name, value] of Object.entries(own)) assert.equal(headers[name], value)
  })

  test('headers that a client names in Connection are removed, and none of ours', async () => {
    for (const [edge, method] of [
      ['us-east', 'GET'],
      ['us-west', 'POST'],
    ] as const)
      for (const names of [
        'x-forwarded-proto, X-Forwarded-For, nearside-edge, forwarded, x-mine',
        'close, x-mine,x-forwarded-for , nearside-edge',
        'x-mine x-forwarded-proto',
      ]) {
        const reply = await world
          .at(edge)
          .ask('/', { method, headers: { host: 'a', connection: names, 'x-mine': '1', 'x-other': '2' } })
        const { headers } = reply.json<Echo>()
        const ours = { ...expected(edge), ...(edge === 'us-west' ? { 'nearside-hop': '1' } : {}) }
        assert.deepEqual(said(headers), ours, names)
        assert.equal(headers['x-mine'], undefined)
        assert.equal(headers['x-other'], '2')
        assert.doesNotMatch(headers.connection ?? '', /x-|nearside|forwarded/)
      }
  })

  test('Connection cannot remove what delimits or addresses a request', async () => {
    for (const lines of [
      'connection: host, content-length, transfer-encoding, connection, x-mine\r\ncontent-length: 2\r\n\r\nhi',
      'connection: close\r\nconnection: content-length, host\r\ncontent-length: 2\r\n\r\nhi',
      'connection: transfer-encoding, host\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    ]) {
      const connection = world.at('us-east').raw(`PUT / HTTP/1.1\r\nhost: shop.example.com\r\n${lines}`)
      const reply = await connection.wait('the answer', (text) => text.includes('"body"'))
      assert.match(reply, /^HTTP\/1.1 200 .*"host":"shop.example.com".*"body":"hi"/s)
      connection.close()
    }
  })

  test('a WebSocket whose client names several options still works', async () => {
    for (const app of world.at('us-east').apps)
      app.upgrade = (incoming, socket) =>
        socket.end(
          `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nx-got: ${incoming.headers['x-mine']}\r\n\r\n`,
        )
    const connection = world
      .at('us-east')
      .raw(
        'GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade, x-mine\r\nupgrade: websocket\r\nx-mine: 1\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      )
    assert.match(
      await connection.wait('the switch', (text) => text.includes('\r\n\r\n')),
      /^HTTP\/1.1 101 .*x-got: undefined/s,
    )
    connection.close()
  })

  test('headers that an app names in Connection are removed, and none of ours', async () => {
    for (const app of world.at('us-east').apps)
      app.handle = (_, response) => {
        response.setHeader('connection', 'nearside-region, x-mine, server-timing, keep-alive')
        response.setHeader('x-mine', '1')
        response.setHeader('x-other', '2')
        response.end()
      }
    const { headers } = await world.at('us-west').ask('/', { method: 'POST' })
    assert.equal(headers['nearside-region'], 'us-east')
    assert.equal(headers['nearside-edge'], 'us-west')
    assert.equal(headers['x-mine'], undefined)
    assert.equal(headers['x-other'], '2')
    assert.match(String(headers['server-timing']), /region.*edge/)
    assert.doesNotMatch(String(headers.connection), /nearside|x-mine/)
    for (const app of world.at('us-east').apps) app.handle = echo(app.name)
  })

  test('a request with trailers is refused, because they could carry forged headers', async () => {
    for (const edge of ['us-east', 'us-west']) {
      const send = (end: string) =>
        world
          .at(edge)
          .raw(
            `PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nhi\r\n0\r\n${end}\r\n`,
          )
          .closed()
      assert.match(await send(''), /^HTTP\/1.1 200 .*"body":"hi"/s)
      for (const trailer of ['nearside-edge: forged', 'X-Forwarded-For: 203.0.113.9', 'x-checksum: abc'])
        assert.match(await send(`${trailer}\r\n`), /^HTTP\/1.1 400 /)
      assert.match(await send(`${'a: b\r\n'.repeat(30)}nearside-edge: forged\r\n`), /^HTTP\/1.1 400 /)
    }
  })

  test('an app cannot forge Nearside headers in its response, and its own server-timing is kept', async () => {
    const { apps } = world.at('us-east')
    for (const app of apps)
      app.handle = (_, response) => {
        response.setHeader('nearside-region', 'mars')
        response.setHeader('nearside-anything', 'x')
        response.setHeader('server-timing', 'db;dur=3')
        response.end()
      }
    const { headers } = await world.at('us-west').ask('/', { method: 'POST' })
    assert.equal(headers['nearside-region'], 'us-east')
    assert.equal(headers['nearside-anything'], undefined)
    assert.match(
      String(headers['server-timing']),
      /^db;dur=3, region;desc="us-east";dur=\d+, edge;desc="us-west";dur=\d+$/,
    )
    assert.equal(headers['keep-alive'], undefined)
  })

  test('a response of HAProxy itself names the edge', async () => {
    const reply = await world.at('us-east').ask('/', { method: 'TRACE' })
    assert.equal(reply.status, 405)
    assert.equal(reply.headers['nearside-edge'], 'us-east')
  })
})

describe('trusted proxies', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      changes: { edge: { trustedProxies: ['127.0.9.0/24', '127.0.8.1', '2001:db8::/32'] } },
    })
  })
  after(() => world?.stop())

  const proxied = {
    host: 'a',
    'x-forwarded-for': '203.0.113.9, 198.51.100.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example.com',
    forwarded: 'for=203.0.113.9;proto=https',
    // The proxy passes these on without looking at them.
    x_forwarded_for: '192.0.2.1',
    'x-real-ip': '192.0.2.1',
    'x-forwarded-server': 'x',
    'nearside-edge': 'forged',
    'nearside-client': '192.0.2.1',
  }
  const said = async (
    edge: string,
    localAddress: string,
    headers: Record<string, string | string[]>,
    method = 'GET',
  ) => {
    const reply = await world.at(edge).ask('/', { localAddress, headers, method })
    return Object.fromEntries(
      Object.entries(reply.json<Echo>().headers).filter(([name]) =>
        /^(nearside|x[-_]forwarded|x[-_]real|forwarded)/.test(name),
      ),
    )
  }

  test('what they say of their client is kept, and their own address is appended', async () => {
    for (const address of ['127.0.9.7', '127.0.8.1'])
      assert.deepEqual(await said('us-east', address, proxied), {
        'nearside-edge': 'us-east',
        'nearside-client': '198.51.100.7',
        'x-forwarded-for': `203.0.113.9, 198.51.100.7, ${address}`,
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'shop.example.com',
        forwarded: `for=203.0.113.9;proto=https, for=${address};proto=http`,
      })
    assert.deepEqual(await said('us-west', '127.0.9.7', proxied, 'POST'), {
      'nearside-edge': 'us-west',
      'nearside-hop': '1',
      'nearside-client': '198.51.100.7',
      'x-forwarded-for': '203.0.113.9, 198.51.100.7, 127.0.9.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example.com',
      forwarded: 'for=203.0.113.9;proto=https, for=127.0.9.7;proto=http',
    })
  })

  test('several lines of a list stay in order', async () => {
    const headers: Record<string, string | string[]> = {
      host: 'a',
      'x-forwarded-for': ['203.0.113.9', '198.51.100.7'],
      forwarded: ['for=_a', 'for=_b'],
    }
    const got = await said('us-east', '127.0.9.7', headers)
    assert.equal(got['x-forwarded-for'], '203.0.113.9, 198.51.100.7, 127.0.9.7')
    assert.equal(got.forwarded, 'for=_a, for=_b, for=127.0.9.7;proto=http')
    let lines = 0
    for (const app of world.at('us-east').apps)
      app.handle = ({ rawHeaders }, response) => {
        lines = rawHeaders.filter((name) => /^(x-forwarded-for|forwarded)$/i.test(name)).length
        response.end()
      }
    await world.at('us-east').ask('/', { localAddress: '127.0.9.7', headers })
    for (const app of world.at('us-east').apps) app.handle = echo(app.name)
    assert.equal(lines, 2)
  })

  const lists: Record<string, { sent: string | string[]; client: string; got: string }> = {
    'one client': { sent: '203.0.113.9', client: '203.0.113.9', got: '203.0.113.9, 127.0.9.7' },
    'a client that wrote an address itself': {
      sent: '192.0.2.1, 203.0.113.9',
      client: '203.0.113.9',
      got: '192.0.2.1, 203.0.113.9, 127.0.9.7',
    },
    'a client that wrote nonsense': {
      sent: 'unknown, 203.0.113.9',
      client: '203.0.113.9',
      got: 'unknown, 203.0.113.9, 127.0.9.7',
    },
    'another trusted proxy': {
      sent: '192.0.2.1, 203.0.113.9, 127.0.8.1, 127.0.9.8',
      client: '203.0.113.9',
      got: '192.0.2.1, 203.0.113.9, 127.0.8.1, 127.0.9.8, 127.0.9.7',
    },
    'only trusted proxies': {
      sent: '127.0.8.1, 127.0.9.8',
      client: '127.0.8.1',
      got: '127.0.8.1, 127.0.9.8, 127.0.9.7',
    },
    'a client with IPv6': { sent: '2001:db9::1', client: '2001:db9::1', got: '2001:db9::1, 127.0.9.7' },
    'a port': { sent: '203.0.113.9:4711', client: '203.0.113.9', got: '203.0.113.9:4711, 127.0.9.7' },
    'several lines, of which the client wrote the first': {
      sent: ['192.0.2.1', '203.0.113.9'],
      client: '203.0.113.9',
      got: '192.0.2.1, 203.0.113.9, 127.0.9.7',
    },
    'several lines, the last of them empty': {
      sent: ['203.0.113.9', ''],
      client: '203.0.113.9',
      got: '203.0.113.9, 127.0.9.7',
    },
    nothing: { sent: '', client: '127.0.9.7', got: '127.0.9.7' },
    spaces: { sent: '  ', client: '127.0.9.7', got: '127.0.9.7' },
    'no address': { sent: 'unknown', client: '127.0.9.7', got: '127.0.9.7' },
    'no address at the end': { sent: '203.0.113.9, x', client: '127.0.9.7', got: '127.0.9.7' },
    'an impossible address': { sent: '203.0.113.999', client: '127.0.9.7', got: '127.0.9.7' },
  }
  for (const [what, { sent, client, got }] of Object.entries(lists))
    test(`the last address that is no trusted proxy counts: ${what}`, async () => {
      const headers = { host: 'a', 'x-forwarded-for': sent }
      const localAddress = '127.0.9.7'
      const reply = await world.at('us-east').ask('/', { headers, localAddress })
      assert.equal(reply.json<Echo>().headers['x-forwarded-for'], got)
      assert.equal(reply.json<Echo>().headers['nearside-client'], client)
    })

  test('a Forwarded header that is malformed is replaced by the proxy’s own address', async () => {
    for (const forwarded of ['', 'for=', 'nonsense', 'for=1.2.3.4;;', 'for="[::1', '203.0.113.9'])
      assert.equal(
        (await said('us-east', '127.0.9.7', { host: 'a', forwarded })).forwarded,
        'for=127.0.9.7;proto=http',
        forwarded,
      )
  })

  test('one that says nothing gives the app its own address', async () => {
    assert.deepEqual(await said('us-east', '127.0.9.7', { host: 'a' }), {
      'nearside-edge': 'us-east',
      'nearside-client': '127.0.9.7',
      'x-forwarded-for': '127.0.9.7',
      'x-forwarded-proto': 'http',
      forwarded: 'for=127.0.9.7;proto=http',
    })
  })

  test('what anyone else says is replaced', async () => {
    for (const address of ['127.0.0.1', '127.0.8.2', '127.0.10.1'])
      assert.deepEqual(await said('us-east', address, proxied), {
        'nearside-edge': 'us-east',
        'nearside-client': address,
        'x-forwarded-for': address,
        'x-forwarded-proto': 'http',
        forwarded: `for=${address};proto=http`,
      })
  })
})
