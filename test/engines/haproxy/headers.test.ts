import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import type { Echo } from '../../support/fakes.ts'
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
  }

  const expected = (edge: string) => ({
    'nearside-edge': edge,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    forwarded: 'for=127.0.0.1;proto=http',
  })

  const said = (headers: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => /^(nearside|x[-_]forwarded|x-real|forwarded)/.test(name)),
    )

  test('a client cannot forge forwarding or Nearside headers, in any spelling', async () => {
    const reply = await world.at('us-east').ask('/', { headers: { ...forged, host: 'shop.example.com' } })
    assert.deepEqual(said(reply.json<Echo>().headers), expected('us-east'))
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
