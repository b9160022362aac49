import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { launcher } from '../../../src/agent/supervision/launch.ts'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { varnishControl } from '../../../src/engines/varnish/control.ts'
import type { PurgeScope } from '../../../src/engines/varnish/purge.ts'
import { runToEnd } from '../../../src/lib/run-to-end.ts'
import { type EdgeRegion, type EdgeWorld, startEdges } from '../../support/edge.ts'
import type { Reply } from '../../support/requests.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegions } from '../../support/topologies.ts'

const isHit = (reply: Reply) => String(reply.headers['cache-status'] ?? '').includes('; hit')

/** What Next.js sends with a page that was rendered when the app was built. */
const prerendered = 's-maxage=31536000, stale-while-revalidate'

describe('a purge', () => {
  let world: EdgeWorld
  let edge: EdgeRegion
  /** Requests that have reached the app and wait for an answer. */
  let waiting: ServerResponse[] = []
  let cacheControl = prerendered
  /** Grows within a test. */
  let version = 1
  let held = false
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/assets/*'] }, cdn: { pagesMaxSeconds: 3600 } },
    })
    edge = world.at('us-east')
    for (const app of edge.apps) app.handle = answer
  })
  after(() => world?.stop())
  const answer = ({ url, headers }: IncomingMessage, response: ServerResponse) => {
    const text = `version ${version} of ${headers.host ?? ''}${url} in ${headers['accept-language'] ?? 'no language'}`
    response.setHeader('cache-control', cacheControl)
    response.setHeader('vary', 'accept-language')
    response.setHeader('content-type', 'text/plain')
    if (!held) return response.end(text)
    response.once('answer', () => response.end(text))
    waiting.push(response)
  }
  beforeEach(() => {
    waiting = []
    held = false
    cacheControl = prerendered
    version = 1
  })

  const purge = (scope: PurgeScope) => {
    const { prepare } = launcher({ root: locateEngineRoot().path, folder: edge.folder, files: [] })
    return varnishControl((command) => runToEnd(prepare('engine', command, {}), 20_000)).purge(scope)
  }
  const ask = (path: string, headers: Record<string, string> = {}) => edge.ask(path, { headers })
  const cache = (path: string, headers: Record<string, string> = {}) =>
    until(`${path} to be cached`, async () => isHit(await ask(path, headers)))
  let unique = 0
  const fresh = (path: string) => `${path}${++unique}`

  test('of pages removes every host and language of them, and leaves static files', async () => {
    const [page, file] = [fresh('/products/'), fresh('/assets/shop.css')]
    const variants: Record<string, string>[] = [
      { host: 'shop.example.com', 'accept-language': 'en' },
      { host: 'shop.example.com', 'accept-language': 'de' },
      { host: 'other.example.com', 'accept-language': 'en' },
    ]
    for (const headers of variants) await cache(page, headers)
    await cache(file)
    version = 2
    for (const headers of variants) assert.match((await ask(page, headers)).body, /^version 1 /)
    await purge({ kind: 'pages' })
    for (const headers of variants) {
      const { body } = await ask(page, headers)
      assert.equal(body, `version 2 of ${headers.host}${page} in ${headers['accept-language']}`)
    }
    assert.match((await ask(file)).body, /^version 1 /)
    await purge({ kind: 'all' })
    assert.match((await ask(file)).body, /^version 2 /)
  })

  test('also holds for a response that was being fetched', async () => {
    const page = fresh('/slow/')
    await cache(page)
    await purge({ kind: 'pages' })
    held = true
    const first = ask(page)
    await until('the fetch to reach the app', () => waiting.length === 1)
    await purge({ kind: 'pages' })
    held = false
    version = 2
    const later = ask(page)
    waiting[0]!.emit('answer')
    for (const reply of [first, later]) assert.match((await reply).body, /^version 2 /, 'it is fetched again')
    assert.ok(isHit(await ask(page)))
  })
  test('does not keep a fetch waiting for ever: one that is overtaken again and again is answered, and not kept', async () => {
    const page = fresh('/overtaken/')
    await cache(page)
    await purge({ kind: 'pages' })
    held = true
    const first = ask(page)
    for (let n = 0; n < 4; n++) {
      await until('the next fetch', () => waiting.length === n + 1)
      await purge({ kind: 'pages' })
      waiting[n]!.emit('answer')
    }
    assert.match((await first).body, /^version 1 /)
    held = false
    version = 2
    assert.match((await ask(page)).body, /^version 2 /)
  })

  test('also holds for a response whose body was still arriving', async () => {
    const page = fresh('/slow-body/')
    await cache(page)
    await purge({ kind: 'pages' })
    for (const app of edge.apps)
      app.handle = (_, response) => {
        response.setHeader('cache-control', cacheControl)
        response.setHeader('content-type', 'text/plain')
        response.setHeader('content-length', 16)
        response.write('version 1, ')
        response.once('answer', () => response.end('whole'))
        waiting.push(response)
      }
    const first = ask(page)
    await until('the fetch', () => waiting.length === 1)
    await purge({ kind: 'path', path: page })
    for (const app of edge.apps) app.handle = answer
    waiting[0]!.emit('answer')
    assert.equal((await first).body, 'version 1, whole')
    version = 2
    await until('the new version', async () => (await ask(page)).body.startsWith('version 2 '), 5_000)
  })

  /** Purges `path` and says which of the cached `paths` are gone. */
  const goneAfter = async (path: string, paths: readonly string[]) => {
    for (const one of paths) await cache(one)
    version += 1
    await purge({ kind: 'path', path })
    const gone: string[] = []
    for (const one of paths) if ((await ask(one)).body.startsWith(`version ${version} `)) gone.push(one)
    return gone
  }

  test('of a path removes it with every query string, and nothing beside it', async () => {
    const paths = ['/a/1', '/a/1?page=2', '/a/1?page=3', '/a/10', '/b/a/1']
    assert.deepEqual(await goneAfter('/a/1', paths), ['/a/1', '/a/1?page=2', '/a/1?page=3'])
    assert.deepEqual(await goneAfter('/a/1?page=2', paths), ['/a/1?page=2'])
    assert.deepEqual(await goneAfter('/a/1*', paths), paths.slice(0, 4))
    assert.deepEqual(await goneAfter('/*', paths), paths)
    assert.deepEqual(await goneAfter('/nothing', paths), [])
  })

  test('of a path can be limited to a host', async () => {
    const [path, ours, other] = ['/hosts', { host: 'shop.example.com' }, { host: 'SHOP.example.net:8080' }]
    for (const headers of [ours, other]) await cache(path, headers)
    version = 2
    await purge({ kind: 'path', path, host: 'shop.example.net' })
    assert.match((await ask(path, ours)).body, /^version 1/)
    assert.match((await ask(path, other)).body, /^version 2/)
    await purge({ kind: 'path', path, host: 'shop.example' })
    assert.match((await ask(path, ours)).body, /^version 1/)
  })

  test('takes every character of a path literally', async () => {
    const words = [
      'say-"hi"',
      "it's",
      'a.b',
      'a+b',
      '(x|y)',
      '[z]',
      '{1}',
      '$^',
      '\\d\\',
      '%22%0A%E2%82%AC',
      '~!@&=;,',
    ]
    const paths = words.map((word) => `/${word}`)
    for (const path of paths)
      assert.deepEqual(await goneAfter(path, [...paths, '/axb', '/x', '/y', '/5', '/z']), [path])
    for (const path of [
      '/x"&&obj.status!=0',
      '/x"||obj.status!=0',
      '/.*',
      '/x|/',
      '/(',
      '/[',
      '/\\',
      '/x\\E.*',
    ])
      assert.deepEqual(await goneAfter(path, ['/untouched']), [], path)
  })

  test('finds a percent escape whichever way its digits are written', async () => {
    assert.deepEqual(await goneAfter('/caf%C3%A9', ['/caf%c3%a9', '/caf%C3%A9', '/CAF%C3%A9']), [
      '/caf%c3%a9',
      '/caf%C3%A9',
    ])
  })

  test('finds characters that are escaped without need', async () => {
    const spellings = ['/products/7', '/products/%37', '/%70roducts/7', '/products%2d/7']
    assert.deepEqual(await goneAfter('/products/7', spellings), spellings.slice(0, 3))
    assert.deepEqual(await goneAfter("/q'", ["/q'", '/q%27']), ["/q'", '/q%27'])
  })

  test('finds a slash that is written several times', async () => {
    const spellings = ['/shelf/7', '//shelf/7', '/shelf//7', '/shelf/7/']
    assert.deepEqual(await goneAfter('/shelf/7', spellings), spellings.slice(0, 3))
  })

  test('has nothing left under a spelling with dot segments: the edge caches none', async () => {
    for (const start of ['/dots', '/assets/dots'])
      await Promise.all([
        cache(`${start}/b.css`),
        cache(`${start}/.well-known/b`),
        cache(`${start}/a...b?/../c`),
      ])
    version += 1
    for (const start of ['/dots', '/assets/dots'])
      for (const dots of ['a/../', './', 'a/%2e%2E/', 'a/.%2e/', 'a/..%2f', 'a%5C../', 'a/b/../../']) {
        const path = `${start}/${dots}b.css`
        for (const _ of [1, 2, 3]) {
          const reply = await ask(path)
          assert.match(reply.body, new RegExp(`^version ${version} `), path)
          assert.ok(!isHit(reply), path)
        }
      }
    await purge({ kind: 'path', path: '/assets/dots/b.css' })
    assert.match((await ask('/assets/dots/b.css')).body, new RegExp(`^version ${version} `))
    assert.ok(!isHit(await ask('/assets/dots/..')))
    assert.ok(!isHit(await ask('/assets/dots/..')))
  })

  test('works for the longest path', async () => {
    const long = `/${'a.b/'.repeat(1700)}`
    assert.ok(JSON.stringify(await goneAfter(long, [long, `${long}c`])) === JSON.stringify([long]))
    await purge({ kind: 'path', path: `/${'('.repeat(8191)}` })
    await purge({ kind: 'path', path: `/${'%C3'.repeat(2730)}` })
  })

  test('refuses what no URL contains, before Varnish sees it', async () => {
    for (const path of ['/a b', '/a\nban obj.status != 0', '/\u0000', '/é'])
      await assert.rejects(purge({ kind: 'path', path }), /purge_invalid|printable ASCII/)
  })

  test('fails while Varnish does not run', async () => {
    await edge.varnish.kill()
    await assert.rejects(purge({ kind: 'all' }), { code: 'varnish_refused' })
    await edge.varnish.start()
    await until('Varnish', async () => isHit(await ask('/assets/again.css')))
  })

  test('still counts after Varnish has loaded new rules', async () => {
    assert.equal(await edge.varnish.reload(), undefined)
    const page = fresh('/reloaded/')
    for (let n = 0; n < 3; n++) {
      await cache(page)
      version += 1
      await purge({ kind: 'pages' })
      assert.match((await ask(page)).body, new RegExp(`^version ${version} `))
    }
    const slow = fresh('/slow-again/')
    await cache(slow)
    await purge({ kind: 'pages' })
    held = true
    const first = ask(slow)
    await until('the fetch', () => waiting.length === 1)
    await purge({ kind: 'pages' })
    held = false
    version += 1
    waiting[0]!.emit('answer')
    for (const reply of [await first, await ask(slow)])
      assert.match(reply.body, new RegExp(`^version ${version} `))
  })

  describe('and the limits of cdn', () => {
    const app = { static: ['/assets/*'] }

    test('a page is fresh for no longer than cdn.pagesMaxSeconds, so corrected headers take effect', async () => {
      await purge({ kind: 'all' })
      world.write({ app, cdn: { pagesMaxSeconds: 1 } })
      assert.equal(await edge.varnish.reload(), undefined)
      const [page, file] = [fresh('/wrong/'), fresh('/assets/right.css')]
      await cache(page)
      await cache(file)
      version = 2
      cacheControl = 'no-store'
      await until('the corrected page', async () => (await ask(page)).body.startsWith('version 2'))
      assert.ok(!isHit(await ask(page)))
      // Beyond the limit, and beyond the grace that the limit allows.
      await until('another second', async () => (await ask(page)).body.startsWith('version 2'))
      assert.match((await ask(file)).body, /^version 1 /, 'static files keep what their headers say')
    })

    test('cdn.pages: false caches static files only', async () => {
      world.write({ app, cdn: { pages: false } })
      assert.equal(await edge.haproxy.reload(), undefined)
      const [page, file] = [fresh('/never/'), fresh('/assets/still.css')]
      for (let n = 0; n < 5; n++) assert.equal((await ask(page)).headers['cache-status'], undefined)
      await cache(file)
    })
  })
})
