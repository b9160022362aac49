import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { twoRegions } from '../../support/topologies.ts'

describe('a cache behind trusted proxies', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { edge: { trustedProxies: ['127.0.9.0/24'] } },
    })
    for (const app of world.at('us-east').apps)
      app.handle = ({ headers }, response) => {
        response.setHeader('cache-control', 'public, max-age=60')
        if (headers['x-vary']) response.setHeader('vary', 'accept-language')
        response.end(`${headers['x-forwarded-proto']} ${headers['x-forwarded-host'] ?? '-'}`)
      }
  })
  after(() => world?.stop())

  const ask = async (path: string, headers: Record<string, string> = {}, localAddress = '127.0.9.1') => {
    const reply = await world.at('us-east').ask(path, { headers: { host: 'a', ...headers }, localAddress })
    return {
      body: reply.body,
      vary: reply.headers.vary,
      hit: /; hit/.test(String(reply.headers['cache-status'])),
    }
  }

  test('keeps responses apart by the scheme and the host that they state, and shows only the app’s own Vary', async () => {
    const https = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example.com' }
    for (const vary of [{}, { 'x-vary': '1' }] as Record<string, string>[]) {
      const path = `/assets/${'x-vary' in vary ? 'v' : 'n'}.css`
      for (const expectedHit of [false, true]) {
        const own = 'x-vary' in vary ? 'accept-language' : undefined
        assert.deepEqual(await ask(path, { ...https, ...vary }), {
          body: 'https shop.example.com',
          vary: own,
          hit: expectedHit,
        })
        // A client that is not a proxy cannot choose what others get.
        assert.deepEqual(await ask(path, { ...https, ...vary }, '127.0.0.1'), {
          body: 'http -',
          vary: own,
          hit: expectedHit,
        })
      }
    }
  })
})
