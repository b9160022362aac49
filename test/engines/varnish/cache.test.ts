import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ownPaths } from '../../../src/engines/haproxy/layout.ts'
import { identify, signal, withDescendants } from '../../../src/lib/proc.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import type { Reply } from '../../support/requests.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

/** `hit` or `miss` from the response’s Cache-Status (RFC 9211), or undefined. */
function cached(reply: Reply): string {
  const status = String(reply.headers['cache-status'] ?? '')
  if (status === '') return 'not asked'
  return status.includes('; hit') ? 'hit' : 'miss'
}

describe('the CDN cache', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/assets/*', '/favicon.ico'] } },
    })
  })
  after(() => world?.stop())

  let count = 0
  const fetched = () => world.at('us-east').apps.flatMap((app) => app.requests).length
  const ask = (path: string, headers: Record<string, string> = {}) =>
    world.at('us-east').ask(path, { headers })

  type Answer = (request: IncomingMessage, response: ServerResponse) => void
  const answer = (respond: Answer) => {
    for (const edge of ['us-east', 'us-west'])
      for (const app of world.at(edge).apps)
        app.handle = (request, response) => {
          respond(request, response)
          if (!response.writableEnded) response.end(`answer ${++count}`)
        }
  }
  const withHeaders = (headers: Record<string, string>) =>
    answer((_, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    })
  beforeEach(() => {
    count = 0
    for (const app of world.at('us-east').apps) app.requests = []
    answer(() => {})
  })
  let unique = 0
  const fresh = (path: string) => `${path}-${++unique}`

  describe('of static paths', () => {
    test('serves the second client what the first one fetched, and marks it as a hit', async () => {
      const path = fresh('/assets/app.js')
      const [first, second] = [await ask(path), await ask(path)]
      assert.deepEqual([cached(first), cached(second)], ['miss', 'hit'])
      assert.equal(first.headers['cache-status'], 'nearside-us-east; fwd=uri-miss; stored')
      assert.match(String(second.headers['cache-status']), /^nearside-us-east; hit; ttl=\d+$/)
      assert.equal(second.body, first.body)
      for (const reply of [first, second]) {
        assert.equal(reply.headers['nearside-region'], 'us-east')
        assert.equal(reply.headers['nearside-edge'], 'us-east')
        for (const name of ['via', 'x-varnish', 'nearside-url', 'nearside-cache', 'nearside-revalidate'])
          assert.equal(reply.headers[name], undefined)
      }
      assert.match(String(second.headers['server-timing']), /^edge;[^,]*$/)
    })

    test('is separate for every region', async () => {
      const path = fresh('/assets/app.js')
      assert.equal(cached(await world.at('us-east').ask(path)), 'miss')
      assert.equal(cached(await world.at('us-west').ask(path)), 'miss')
      assert.equal((await world.at('us-west').ask(path)).headers['nearside-region'], 'us-west')
    })

    test('fetches without the first client’s cookies, and sets no cookie for the others', async () => {
      const path = fresh('/assets/app.js')
      let cookie: string | undefined
      answer((request, response) => {
        cookie = request.headers.cookie
        response.setHeader('set-cookie', 'session=new')
        response.setHeader('server-timing', 'db;dur=1')
      })
      const first = await ask(path, { cookie: 'session=mine' })
      assert.equal(cookie, undefined)
      assert.equal(first.headers['set-cookie'], undefined)
      const second = await ask(path, { cookie: 'session=other' })
      assert.equal(cached(second), 'hit')
      assert.equal(second.headers['set-cookie'], undefined)
    })

    test('does not store responses to requests with Authorization', async () => {
      const path = fresh('/assets/app.js')
      for (let n = 1; n <= 2; n++) {
        const reply = await ask(path, { authorization: 'Bearer x' })
        assert.equal(cached(reply), 'not asked')
        assert.equal(reply.body, `answer ${n}`)
      }
      assert.equal(cached(await ask(path)), 'miss')
    })

    test('does not store responses whose headers forbid it', async () => {
      for (const no of ['no-store', 'private, max-age=60', 'no-cache', 'max-age=0']) {
        withHeaders({ 'cache-control': no })
        const path = fresh('/assets/app.js')
        assert.deepEqual([cached(await ask(path)), cached(await ask(path))], ['miss', 'miss'], no)
      }
    })

    test('does not store errors', async () => {
      for (const status of [404, 500, 503]) {
        answer((_, response) => {
          response.statusCode = status
        })
        const path = fresh('/assets/app.js')
        for (let n = 0; n < 2; n++) {
          const reply = await ask(path)
          assert.equal(reply.status, status)
          assert.equal(cached(reply), 'miss')
        }
      }
    })

    test('separates variants', async () => {
      answer((request, response) => {
        response.setHeader('vary', 'accept-encoding, accept-language')
        response.end(`${request.headers['accept-encoding']} ${request.headers['accept-language']}`)
      })
      const path = fresh('/assets/app.js')
      const variants: [Record<string, string>, string][] = [
        [{ 'accept-encoding': 'gzip, deflate, br, zstd', 'accept-language': 'de' }, 'br, gzip de'],
        [{ 'accept-encoding': 'gzip, deflate', 'accept-language': 'de' }, 'gzip de'],
        [{ 'accept-encoding': 'br;q=0, gzip', 'accept-language': 'de' }, 'undefined de'],
        [{ 'accept-encoding': 'gzip, deflate, br, zstd', 'accept-language': 'en' }, 'br, gzip en'],
      ]
      for (const expected of ['miss', 'hit'])
        for (const [headers, body] of variants) {
          const reply = await ask(path, headers)
          assert.deepEqual([cached(reply), reply.body], [expected, body])
        }
      assert.equal((await ask(path, { 'accept-encoding': 'br', 'accept-language': 'de' })).body, 'br de')
    })

    test('separates hosts and query strings', async () => {
      const path = fresh('/assets/app.js')
      await ask(path)
      assert.equal(cached(await ask(`${path}?v=2`)), 'miss')
      assert.equal(cached(await ask(path, { host: 'other.example' })), 'miss')
    })

    test('sends one request to the app for many concurrent ones', async () => {
      const path = fresh('/assets/app.js')
      let release = () => {}
      for (const app of world.at('us-east').apps)
        app.handle = (_, response) => {
          response.setHeader('content-length', '4')
          release = () => response.end('once')
        }
      const replies = Promise.all(Array.from({ length: 30 }, () => ask(path)))
      await until('all requests to wait', async () =>
        (await world.at('us-east').control.stats()).some(
          (row) => row.name === 'varnish' && row.current === 30,
        ),
      )
      release()
      for (const reply of await replies) assert.equal(reply.body, 'once')
      assert.equal(fetched(), 1)
    })

    test('serves ranges and answers conditional requests', async () => {
      withHeaders({ etag: '"1"', 'content-type': 'text/plain' })
      const path = fresh('/assets/app.js')
      assert.equal((await ask(path)).body, 'answer 1')
      const range = await ask(path, { range: 'bytes=0-2' })
      assert.deepEqual([range.status, range.body], [206, 'ans'])
      assert.equal((await ask(path, { 'if-none-match': '"1"' })).status, 304)
      assert.equal((await world.at('us-east').ask(path, { method: 'HEAD' })).status, 200)
      assert.equal(fetched(), 1)
    })

    test('is bypassed by writes', async () => {
      assert.equal(
        cached(await world.at('us-east').ask(fresh('/assets/app.js'), { method: 'POST' })),
        'not asked',
      )
    })

    describe('HAProxy’s memory', () => {
      const immutable = { 'cache-control': 'public, max-age=31536000, immutable', age: '300' }
      const inMemory = async (path: string, headers: Record<string, string> = {}) => {
        for (let n = 0; n < 3; n++) await ask(path, headers)
        const reply = await ask(path, headers)
        return /detail=memory/.test(String(reply.headers['cache-status']))
      }

      test('has small immutable objects that Varnish has kept for a while, even without Varnish', async () => {
        withHeaders(immutable)
        const path = fresh('/assets/app.1a2b3c.js')
        const first = await ask(path)
        assert.match(String((await ask(path)).headers['cache-status']), /; hit; ttl=/)
        const third = await ask(path)
        assert.equal(third.headers['cache-status'], 'nearside-us-east; hit; detail=memory')
        assert.equal(third.body, first.body)
        assert.equal(third.headers['set-cookie'], undefined)
        assert.match(String(third.headers['server-timing']), /^edge;[^,]*$/)
        await world.at('us-east').varnish.kill()
        assert.equal((await ask(path)).body, first.body)
        assert.equal(fetched(), 1)
        await world.at('us-east').varnish.start()
        await until('Varnish', async () => cached(await ask(fresh('/assets/shop.css'))) === 'miss')
      })

      test('has no new ones, which a purge may still reach', async () => {
        withHeaders({ ...immutable, age: '0' })
        assert.equal(await inMemory(fresh('/assets/app.js')), false)
      })

      test('has none whose freshness another header says', async () => {
        const others: Record<string, string>[] = [
          { 'cdn-cache-control': 'max-age=1000' },
          { 'surrogate-control': 'max-age=1000' },
        ]
        for (const other of others) {
          withHeaders({ ...immutable, ...other })
          assert.equal(await inMemory(fresh('/assets/app.js')), false, JSON.stringify(other))
        }
      })

      test('does not have what was written to', async () => {
        withHeaders(immutable)
        const path = fresh('/assets/app.js')
        assert.equal(await inMemory(path), true)
        await world.at('us-east').ask(path, { method: 'POST' })
        assert.equal(await inMemory(path), false)
      })

      test('has nothing that came without Varnish', async () => {
        withHeaders(immutable)
        const path = fresh('/assets/app.js')
        await world.at('us-east').varnish.kill()
        assert.equal(await inMemory(path, { cookie: 'session=mine' }), false)
        await world.at('us-east').varnish.start()
        await until('Varnish', async () => cached(await ask(fresh('/assets/shop.css'))) === 'miss')
      })
    })

    test('no cookie reaches the app or comes back, stored or not, with Varnish or without', async () => {
      const cookies: (string | undefined)[] = []
      answer((request, response) => {
        cookies.push(request.headers.cookie)
        response.setHeader('cache-control', 'private')
        response.setHeader('set-cookie', 'session=new')
      })
      const path = fresh('/assets/private.txt')
      const askThrice = async () => {
        for (let n = 0; n < 3; n++)
          assert.equal((await ask(path, { cookie: 'session=1' })).headers['set-cookie'], undefined)
      }
      await askThrice()
      await world.at('us-east').varnish.kill()
      await askThrice()
      await world.at('us-east').varnish.start()
      await until('Varnish', async () => cached(await ask(fresh('/assets/shop.css'))) === 'miss')
      assert.deepEqual(new Set(cookies), new Set([undefined]))
    })

    test('an error for one client does not take the others’ response out of the cache', async () => {
      answer((request, response) => {
        response.setHeader('vary', 'accept-language')
        response.setHeader('cache-control', 'max-age=600')
        if (request.headers['accept-language'] !== 'xx') return
        response.statusCode = 404
        response.setHeader('cache-control', 'no-store')
      })
      const path = fresh('/assets/app.js')
      await ask(path, { 'accept-language': 'en' })
      await ask(path, { 'accept-language': 'xx' })
      assert.equal(cached(await ask(path, { 'accept-language': 'en' })), 'hit')
    })

    test('compares several entity tags, and ignores a range of a HEAD', async () => {
      withHeaders({ etag: '"1"', 'cache-control': 'max-age=600' })
      const path = fresh('/assets/app.js')
      await ask(path)
      for (const tags of ['*', '"0", "1"', 'W/"1"', '"1","2"'])
        assert.equal((await ask(path, { 'if-none-match': tags })).status, 304, tags)
      for (const tags of ['"0", "2"', '"11"', '"0", "11"'])
        assert.equal((await ask(path, { 'if-none-match': tags })).status, 200, tags)
      const head = await world.at('us-east').ask(path, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
      assert.equal(head.status, 200)
      assert.equal((await ask(path, { range: 'bytes=0-99999999999999999999999' })).status, 200)
    })

    test('is bypassed while Varnish is down, without an error', async () => {
      const edge = world.at('us-east')
      // Kept connections that are dead when they are used next.
      await Promise.all(Array.from({ length: 20 }, () => ask('/assets/without-varnish.js')))
      await edge.varnish.kill()
      const atOnce = await Promise.all(Array.from({ length: 20 }, () => ask('/assets/without-varnish.js')))
      for (const { status } of atOnce) assert.equal(status, 200)
      for (let n = 0; n < 10; n++) {
        const reply = await ask('/assets/without-varnish.js')
        assert.equal(reply.status, 200)
        assert.equal(cached(reply), 'not asked')
      }
      await edge.varnish.start()
      await until(
        'the cache to be used again',
        async () => cached(await ask('/assets/without-varnish.js')) === 'hit',
      )
    })
  })

  test('may hang: after a moment, requests go to the app until it runs again', async () => {
    const edge = world.at('us-east')
    const worker = identify(
      withDescendants([edge.varnish.running().pid]).find(
        (pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'cache-main',
      )!,
    )!
    await until('a hit', async () => cached(await ask('/assets/hanging.js')) === 'hit')
    signal(worker, 'SIGSTOP')
    const startedAt = performance.now()
    const early = [ask('/assets/hanging.js'), ask('/assets/hanging-too.js')]
    try {
      await until('the app to answer', async () => {
        const reply = await edge.ask('/assets/hanging.js', { timeout: 200 }).catch(() => undefined)
        return reply?.status === 200
      })
      const ms = performance.now() - startedAt
      assert.ok(ms < 3_900, `${Math.round(ms)} ms`)
      for (let n = 0; n < 10; n++)
        assert.equal((await edge.ask('/assets/hanging.js', { timeout: 2_000 })).status, 200)
    } finally {
      // The requests that it has been given are sent to the app when it dies.
      signal(worker, 'SIGKILL')
    }
    for (const reply of await Promise.all(early)) assert.equal(reply.status, 200)
    await until('Varnish', async () => cached(await ask('/assets/hanging.js')) === 'hit')
  })

  test('may crash with a request on its connection without failing that request', async () => {
    const edge = world.at('us-east')
    await edge.varnish.kill()
    let [asked, unanswered, isLast] = [0, 0, false]
    const socket = join(edge.folder, 'run/varnish.sock')
    // A replacement for Varnish that answers health checks, but closes every other connection with a request.
    const dying = createServer((request, response) => {
      if (request.url === ownPaths.alive) return response.end()
      asked += 1
      if (isLast) {
        dying.close()
        rmSync(socket, { force: true })
        request.socket.destroy()
      } else if (asked % 2 === 1) {
        unanswered += 1
        request.socket.destroy()
      } else response.end('kept')
    })
    rmSync(socket, { force: true })
    await new Promise<void>((resolve) => dying.listen(socket, resolve))
    chmodSync(socket, 0o666)
    try {
      await until('it to get a request', async () => {
        await ask('/assets/dying.css')
        return asked > 0
      })
      const before = unanswered
      for (let n = 0; n < 10; n++) assert.equal((await ask('/assets/dying.css')).status, 200)
      assert.ok(unanswered > before)
      // Finally, nothing listens any more: the retry cannot even connect, and the request goes to the app.
      isLast = true
      assert.equal((await ask('/assets/dying.css')).status, 200)
      assert.equal(dying.listening, false)
    } finally {
      dying.closeAllConnections()
      if (dying.listening) await new Promise((resolve) => dying.close(resolve))
      await edge.varnish.start()
    }
    await until('Varnish', async () => cached(await ask('/assets/after-dying.css')) !== 'not asked')
  })

  describe('of other paths', () => {
    /** HAProxy learns from the first response, so the second request is the first to go to the cache. */
    const three = async (path: string, headers: Record<string, string> = {}) => [
      cached(await ask(path, headers)),
      cached(await ask(path, headers)),
      cached(await ask(path, headers)),
    ]

    test('stores what its headers allow to be shared', async () => {
      for (const yes of ['public, max-age=60', 'max-age=60', 's-maxage=60', 'max-age=0, s-maxage=60']) {
        withHeaders({ 'cache-control': yes })
        assert.deepEqual(await three(fresh('/products')), ['not asked', 'miss', 'hit'], yes)
      }
    })

    test('does not store anything else', async () => {
      const responses: Record<string, string>[] = [
        {},
        { 'cache-control': 'private, max-age=60' },
        { 'cache-control': 'no-store, max-age=60' },
        { 'cache-control': 'no-cache, max-age=60' },
        { 'cache-control': 'max-age=0' },
        { 'cache-control': 'public' },
        { 'cache-control': 'max-age=60', 'set-cookie': 'a=b' },
        { 'cache-control': 'max-age=60', vary: '*' },
      ]
      for (const headers of responses) {
        withHeaders(headers)
        assert.ok(!(await three(fresh('/products'))).includes('hit'), JSON.stringify(headers))
      }
    })

    test('is bypassed by requests with cookies or Authorization, in both directions', async () => {
      withHeaders({ 'cache-control': 'public, max-age=60' })
      const path = fresh('/products')
      const own: Record<string, string>[] = [{ cookie: 'session=1' }, { authorization: 'Bearer x' }]
      for (const headers of own)
        assert.deepEqual(await three(path, headers), ['not asked', 'not asked', 'not asked'])
      assert.deepEqual(await three(path), ['not asked', 'miss', 'hit'])
      for (const headers of own)
        assert.deepEqual(await three(path, headers), ['not asked', 'not asked', 'not asked'])
    })

    test('stops storing when the headers change', async () => {
      const path = fresh('/products')
      withHeaders({ 'cache-control': 'max-age=1' })
      assert.deepEqual(await three(path), ['not asked', 'miss', 'hit'])
      withHeaders({ 'cache-control': 'private' })
      await until('the first private one', async () => cached(await ask(path)) === 'miss')
      assert.ok(!(await three(path)).includes('hit'))
    })
  })

  describe('an expired response', () => {
    const path = () => fresh('/assets/old.js')

    test('is fetched again from the app', async () => {
      withHeaders({ 'cache-control': 'max-age=1' })
      const old = path()
      const { body } = await ask(old)
      await until('another answer', async () => {
        const reply = await ask(old)
        return reply.body !== body && cached(reply) === 'miss'
      })
    })

    test('is served while a new one is fetched if its headers allow it: stale-while-revalidate', async () => {
      withHeaders({ 'cache-control': 'max-age=1, stale-while-revalidate=60' })
      const old = path()
      const first = await ask(old)
      // From now on the app answers only on command, so anyone answered before that gets the old response.
      let release: (() => void) | undefined
      for (const app of world.at('us-east').apps)
        app.handle = (_, response) => {
          release = () => response.end('new')
        }
      await until('the background fetch', async () => {
        assert.equal((await ask(old)).body, first.body)
        return release
      })
      assert.equal((await ask(old)).body, first.body)
      release!()
      await until('the new one', async () => (await ask(old)).body === 'new')
    })

    test('is served while the app fails if its headers allow it: stale-if-error', async () => {
      withHeaders({ 'cache-control': 'max-age=1, stale-if-error=60' })
      const old = path()
      const first = await ask(old)
      answer((_, response) => {
        response.statusCode = 500
      })
      const fetches = fetched()
      const stale = await until('a failed fetch', async () => {
        const reply = await ask(old)
        assert.deepEqual([reply.status, reply.body], [200, first.body])
        return fetched() > fetches && reply
      })
      assert.match(String(stale.headers['cache-status']), /; hit; ttl=-?\d+$/)
      // Once the app is healthy again, its own answer is served immediately: stale-if-error is not
      // stale-while-revalidate.
      answer((_, response) => {
        response.end('well')
      })
      assert.equal((await ask(old)).body, 'well')
    })

    test('is served while no region can serve at all', async () => {
      const old = path()
      withHeaders({ 'cache-control': 'max-age=1, stale-if-error=60' })
      const first = await ask(old)
      const apps = ['us-east', 'us-west'].flatMap((name) => world.at(name).apps)
      for (const app of apps) await app.stop()
      try {
        await until('everything else to fail', async () => (await ask('/')).status === 503)
        for (let n = 0; n < 5; n++) {
          const reply = await ask(old)
          assert.deepEqual([reply.status, reply.body], [200, first.body])
        }
      } finally {
        for (const app of apps) await app.start()
        await until('the app', async () => (await world.at('us-east').up('app')).length === 2)
      }
    })

    test('is not served if its headers forbid it: must-revalidate', async () => {
      withHeaders({ 'cache-control': 'max-age=1, must-revalidate, stale-if-error=60' })
      const old = path()
      await ask(old)
      answer((_, response) => {
        response.statusCode = 500
      })
      await until('the error', async () => (await ask(old)).status === 500)
    })
  })
})
