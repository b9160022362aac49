import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import type { Reply } from '../../support/requests.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

/** What the standards ask of a shared cache: RFC 9111 (caching), RFC 9213 (targeted fields), RFC 9110 (ranges). */
describe('the rules of the CDN cache', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/static/*'] }, cdn: { maxMemory: '32mb' } },
      // After a write the cache is passed for three to six seconds instead of ten to twenty.
      alter: (_, content) => content.replace('gpc0_rate(10s)', 'gpc0_rate(3s)'),
    })
  })
  after(() => world?.stop())

  let count = 0
  const fresh = () => `/static/${++count}`
  let asked: IncomingMessage[] = []
  const answer = (respond: (request: IncomingMessage, response: ServerResponse) => void) => {
    for (const app of world.at('us-east').apps)
      app.handle = (request, response) => {
        asked.push(request)
        respond(request, response)
        if (!response.writableEnded) response.end(`answer ${asked.length}`)
      }
  }
  const answerLater = (respond: (request: IncomingMessage, response: ServerResponse) => void) => {
    for (const app of world.at('us-east').apps) app.handle = respond
  }
  const withHeaders = (headers: Record<string, string | string[]>) =>
    answer((_, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    })
  beforeEach(() => {
    asked = []
  })
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    world.at('us-east').ask(path, { headers, method })
  const isHit = (reply: Reply) => /; hit/.test(String(reply.headers['cache-status']))

  /** Makes HAProxy send a path that is not static to the cache. */
  async function learn(): Promise<string> {
    const path = `/page-${++count}`
    withHeaders({ 'cache-control': 'max-age=600' })
    await ask(path)
    asked = []
    return path
  }

  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toUTCString()

  describe('freshness', () => {
    const stored: Record<string, string | string[]>[] = [
      { 'cache-control': 'max-age=60' },
      { 'cache-control': 'MAX-AGE=60' },
      { 'cache-control': 'max-age="60"' },
      { 'cache-control': 'max-age=0060' },
      { 'cache-control': 'max-age=99999999999999' },
      { 'cache-control': 'max-age=60, max-age=0' },
      { 'cache-control': 'public, s-maxage=60, max-age=0' },
      { 'cache-control': ['max-age=60', 'public'] },
      { 'cache-control': 'max-age=60, x="a", y' },
      { expires: inDays(1) },
      { 'cdn-cache-control': 'max-age=60' },
      { 'cdn-cache-control': 'max-age=60', 'cache-control': 'no-store' },
      { 'cdn-cache-control': 'max-age=60', 'cache-control': 'private', expires: '0' },
      { 'cdn-cache-control': '', 'cache-control': 'max-age=60' },
      { 'surrogate-control': 'max-age=5', 'cache-control': 'max-age=60' },
      { 'cache-control': 'max-age=60', age: '10' },
      { 'cache-control': 'max-age=60', vary: 'accept-language' },
      { 'cache-control': 'max-age=60, must-understand' },
    ]
    const notStored: Record<string, string | string[]>[] = [
      { 'cache-control': 's-maxage=0' },
      { 'cache-control': 's-maxage=0, max-age=60' },
      { 'cache-control': 'max-age=0' },
      { 'cache-control': 'max-age=0, max-age=60' },
      { 'cache-control': 'max-age=-60' },
      { 'cache-control': 'max-age=6x' },
      { 'cache-control': 'max-age=60, no-store' },
      { 'cache-control': ['max-age=60', 'no-store'] },
      { 'cache-control': 'max-age=60, private="x"' },
      { 'cache-control': 'private', 'surrogate-control': 'max-age=60' },
      { 'cache-control': 'no-store', 'surrogate-control': 'max-age=60' },
      { 'cache-control': 'max-age=60', 'surrogate-control': 'no-store' },
      { 'cache-control': 'max-age=60', 'surrogate-control': 'max-age=0' },
      { 'cdn-cache-control': 'no-store' },
      { 'cdn-cache-control': 'no-store', 'cache-control': 'max-age=60' },
      { 'cdn-cache-control': 'private', 'cache-control': 'max-age=60' },
      { 'cdn-cache-control': 'max-age=0', 'cache-control': 'max-age=60' },
      { expires: '0' },
      { expires: inDays(-1) },
      { 'cache-control': 'max-age=60', age: '60' },
      { 'cache-control': 'max-age=60', age: '0, 0' },
      { 'cache-control': 'max-age=60', age: 'x' },
      { 'cache-control': 'max-age=60', vary: '*' },
      { 'cache-control': 'max-age=60', vary: 'accept, *' },
    ]
    for (const [is, rows] of [
      [true, stored],
      [false, notStored],
    ] as const)
      for (const headers of rows)
        test(`${is ? 'stored' : 'not stored'}: ${JSON.stringify(headers)}`, async () => {
          for (const path of [fresh(), await learn()]) {
            // Without a freshness of its own, a page is not stored.
            withHeaders(headers)
            const replies = [await ask(path), await ask(path), await ask(path)]
            assert.deepEqual(replies.map(isHit).slice(1), [is, is], path)
          }
        })

    test('a static response that says nothing is stored, an error and a page are not', async () => {
      withHeaders({})
      const path = fresh()
      await ask(path)
      assert.equal(isHit(await ask(path)), true)
      const page = await learn()
      withHeaders({})
      await ask(page)
      assert.equal(isHit(await ask(page)), false)
    })

    for (const policy of ['s-maxage=1', 'max-age=1, must-revalidate', 'max-age=1, proxy-revalidate'])
      test(`never stale: ${policy}`, async () => {
        withHeaders({ 'cache-control': policy })
        const path = fresh()
        await ask(path)
        answer((_, response) => {
          response.statusCode = 500
        })
        await until('the error', async () => (await ask(path)).status === 500)
      })
  })

  test('an expired response is revalidated, and one that is not modified is not sent again', async () => {
    for (const path of [fresh(), await learn()]) {
      asked = []
      answer((request, response) => {
        response.setHeader('cache-control', 'max-age=1')
        response.setHeader('etag', '"1"')
        if (request.headers['if-none-match'] !== '"1"') return
        response.statusCode = 304
        response.end()
      })
      const { body } = await ask(path)
      await until('the revalidation', async () => {
        const reply = await ask(path)
        assert.deepEqual([reply.status, reply.body], [200, body])
        return asked.length > 1
      })
      assert.equal(asked[1]!.headers['if-none-match'], '"1"')
      assert.equal(isHit(await ask(path)), true)
      // Not forever: a changed one is fetched.
      answer((_, response) => {
        response.setHeader('etag', '"2"')
        response.end('changed')
      })
      await until('the changed one', async () => (await ask(path)).body === 'changed')
    }
  })

  describe('ranges', () => {
    const bytes = (size: number) =>
      Buffer.from(Array.from({ length: size }, (_, n) => 97 + (n % 26))).toString()
    const small = bytes(100_000)

    test('come from a stored response, the first time and later', async () => {
      for (const cacheControl of ['max-age=600', 'public, max-age=31536000, immutable']) {
        const path = fresh()
        asked = []
        answer((_, response) => {
          response.setHeader('cache-control', cacheControl)
          response.setHeader('content-type', 'video/mp4')
          response.setHeader('content-length', small.length)
          response.end(small)
        })
        for (let n = 0; n < 3; n++) {
          const reply = await ask(path, { range: 'bytes=100-199' })
          assert.deepEqual([reply.status, reply.body], [206, small.slice(100, 200)], `${cacheControl} ${n}`)
          assert.equal(reply.headers['content-range'], `bytes 100-199/${small.length}`)
        }
        assert.equal((await ask(path, { range: 'bytes=-100' })).body, small.slice(-100))
        assert.equal((await ask(path)).body, small)
        assert.equal((await ask(path)).body, small)
        assert.equal((await ask(path, { range: 'bytes=0-' })).status, 206)
        assert.equal((await ask(path, { range: 'bytes=200000-' })).status, 416)
        // The whole is a correct answer to several ranges, and to what is no range.
        for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=x'])
          assert.deepEqual([(await ask(path, { range })).status, asked.length], [200, 1], range)
      }
    })

    test('of a file that is too large to store reach the app', async () => {
      const size = 20_000_000
      let sent = 0
      let wholes = 0
      answerLater((request, response) => {
        response.setHeader('cache-control', 'max-age=600')
        if (request.headers.range === undefined) wholes += 1
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
        if (from !== undefined) {
          response.statusCode = 206
          response.setHeader('content-range', `bytes ${from}-${to}/${size}`)
          response.end('r'.repeat(Number(to) - Number(from) + 1))
          return
        }
        response.setHeader('content-length', size)
        const more = (): void => {
          while (!response.destroyed && sent < size) {
            sent += 100_000
            if (!response.write(Buffer.alloc(100_000, 'w'))) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      })
      const path = fresh()
      for (let n = 0; n < 3; n++) {
        const reply = await ask(path, { range: 'bytes=1000-1999' })
        assert.deepEqual([reply.status, reply.body.length], [206, 1000])
      }
      assert.ok(wholes <= 1, `${wholes} requests for the whole`)
      assert.ok(sent < size, `${sent} bytes of the whole`)
    })
  })

  describe('a write', () => {
    const store = async (path: string) => {
      await ask(path)
      assert.equal(isHit(await ask(path)), true)
    }
    const isFetched = async (path: string) => !isHit(await ask(path))

    test('makes the cache fetch its URL again, in every variant', async () => {
      answer((request, response) => {
        response.setHeader('cache-control', 'max-age=600')
        response.setHeader('vary', 'accept-language')
        response.end(request.headers['accept-language'])
      })
      const path = fresh()
      for (const language of ['de', 'en', 'de', 'en']) await ask(path, { 'accept-language': language })
      for (const method of ['POST', 'PUT', 'DELETE']) {
        await ask(path, {}, method)
        for (const language of ['de', 'en'])
          assert.equal(
            isHit(await ask(path, { 'accept-language': language })),
            false,
            `${method} ${language}`,
          )
        await until('both to be stored again', async () =>
          (
            await Promise.all(['de', 'en'].map((language) => ask(path, { 'accept-language': language })))
          ).every(isHit),
        )
      }
    })

    test('is not undone by a fetch that began before it', async () => {
      const path = fresh()
      let version = 'old'
      answerLater((request, response) => {
        request.resume()
        response.setHeader('cache-control', 'max-age=600')
        const body = version
        if (request.method === 'POST') version = 'new'
        if (request.headers['x-slow'] === undefined) response.end(body)
        else setTimeout(() => response.end(body), 1_000)
      })
      const slow = ask(path, { 'x-slow': '1' })
      await until('the slow fetch', async () => {
        await ask('/other')
        return true
      })
      await ask(path, {}, 'POST')
      assert.equal((await ask(path)).body, 'new')
      assert.equal((await slow).body, 'old')
      await until('it to be stored again', async () => {
        const reply = await ask(path)
        assert.equal(reply.body, 'new')
        return isHit(reply)
      })
    })

    test('also the URLs in its Location and Content-Location', async () => {
      const { address } = world.at('us-east').region
      const [target, content, other] = [fresh(), fresh(), fresh()]
      withHeaders({ 'cache-control': 'max-age=600' })
      for (const path of [target, content, other]) await store(path)
      answer((request, response) => {
        response.setHeader('cache-control', 'max-age=600')
        if (request.method !== 'POST') return
        response.statusCode = 303
        response.setHeader('location', `http://${address}:${world.topology.ports.http}${target}#top`)
        response.setHeader('content-location', content)
      })
      await ask('/edit', {}, 'POST')
      assert.deepEqual([await isFetched(target), await isFetched(content)], [true, true])
      assert.equal(await isFetched(other), false)
    })

    test('that fails changes nothing', async () => {
      const path = fresh()
      withHeaders({ 'cache-control': 'max-age=600' })
      await store(path)
      answer((_, response) => {
        response.statusCode = 422
      })
      await ask(path, {}, 'POST')
      assert.equal(await isFetched(path), false)
    })
  })
})

test('a response that must not be stored replaces the stored one, however long that could be served stale', async () => {
  const world = await startEdges({
    regions: twoRegions,
    primary: 'us-east',
    varnish: true,
    changes: { app: { static: ['/static/*'] } },
    // A second instead of a minute until the cache is asked again.
    alter: (_, content) =>
      content.replace('expire 1m', 'expire 1s').replaceAll('beresp.ttl = 60s', 'beresp.ttl = 1s'),
  })
  try {
    for (const kind of ['text/html', 'application/pdf', 'large']) {
      const path = `/static/${kind}`
      const ask = async () => (await world.at('us-east').ask(path)).body
      const answer = (cacheControl: string, body: string) => {
        for (const app of world.at('us-east').apps)
          app.handle = (_, response) => {
            response.setHeader('cache-control', cacheControl)
            response.setHeader('content-type', kind === 'large' ? 'text/html' : kind)
            if (body.length > 3) response.setHeader('content-length', body.length)
            response.write(body)
            response.end()
          }
      }
      const changed = kind === 'large' ? 'new'.repeat(100_000) : 'new'
      answer('max-age=1, stale-while-revalidate=6000, stale-if-error=6000', 'old ')
      await ask()
      answer('no-store', changed)
      await until('the new one', async () => (await ask()) === changed)
      const endMs = performance.now() + 4_000
      await until('some time to pass', async () => {
        assert.equal(await ask(), changed, kind)
        return performance.now() > endMs
      })
    }
  } finally {
    await world.stop()
  }
})
