import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Reply } from '../../../src/engines/knot/message.ts'
import { CookieJar } from '../../../src/lab/users/client/cookies.ts'
import { assetsIn, linksIn } from '../../../src/lab/users/client/links.ts'
import { Resolver } from '../../../src/lab/users/client/resolver.ts'
import { fill } from '../../../src/lab/users/plan/fill.ts'
import { checkMix } from '../../../src/lab/users/plan/mix.ts'
import { seeded } from '../../../src/lab/users/plan/random.ts'

const reply = (addresses: string[], ttlSeconds: number, code = 0): Reply => ({
  id: 1,
  code,
  truncated: false,
  scope: 24,
  records: addresses.map((data) => ({ type: 'A', ttlSeconds, data })),
})

test('an answer is kept for its TTL and not a moment longer', async () => {
  let [now, asked] = [0, 0]
  const resolver = new Resolver(['a'], 'x.example', undefined, async () => {
    asked += 1
    return reply([`10.0.0.${asked}`], 20)
  })
  const addresses = async () => {
    const found = await resolver.resolve(() => now)
    return found.ok ? found.addresses[0] : found.why
  }
  assert.equal(await addresses(), '10.0.0.1')
  now = 19_999
  assert.equal(await addresses(), '10.0.0.1')
  now = 20_000
  assert.equal(await addresses(), '10.0.0.2')
  assert.equal(asked, 2)
})

test('who asks at the same time shares a question, and a failure is not kept', async () => {
  let asked = 0
  const replies = [undefined, reply([], 0, 5), reply([], 9), reply(['10.0.0.9'], 0)]
  const resolver = new Resolver(['a'], 'x.example', undefined, async () => replies[asked++])
  const resolve = () => resolver.resolve(() => 0)
  const [one, other] = await Promise.all([resolve(), resolve()])
  assert.deepEqual(
    [one, other, asked],
    [{ ok: false, why: 'unreachable' }, { ok: false, why: 'unreachable' }, 1],
  )
  assert.deepEqual(await resolve(), { ok: false, why: 'refused' })
  assert.deepEqual(await resolve(), { ok: false, why: 'empty' })
  assert.deepEqual(await resolve(), { ok: true, addresses: ['10.0.0.9'] })
  assert.equal(resolver.kept(0), undefined, 'a TTL of 0 is for this once')
})

test('cookies go back to their path until they expire', () => {
  const jar = new CookieJar()
  jar.set(
    [
      'a=1; Path=/',
      'b=2; Path=/orders; HttpOnly',
      'c=3; Max-Age=10',
      'd=4=5; Path=/; Expires=Thu, 01 Jan 1970 00:00:30 GMT',
    ],
    '/shop/cart?x=1',
    0,
  )
  assert.equal(jar.header('/', 0), 'a=1; d=4=5')
  assert.equal(jar.header('/orders', 0), 'b=2; a=1; d=4=5')
  assert.equal(jar.header('/orders/7?y', 0), 'b=2; a=1; d=4=5')
  assert.equal(jar.header('/ordersx', 0), 'a=1; d=4=5')
  assert.equal(jar.header('/shop/x', 9999), 'c=3; a=1; d=4=5', 'without a path: that of the request')
  assert.equal(jar.header('/shop/x', 10_000), 'a=1; d=4=5')
  assert.equal(jar.header('/', 30_000), 'a=1')
  jar.set(['a=9; Path=/'], '/', 0)
  assert.equal(jar.header('/', 40_000), 'a=9')
  jar.set(['a=; Path=/; Max-Age=0'], '/', 0)
  assert.equal(jar.header('/', 40_000), undefined)
})

test('no header breaks the jar, and it never says what was not set', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (headers, path) => {
      const jar = new CookieJar()
      jar.set(headers, path, 0)
      const sent = jar.header(path, 0) ?? ''
      for (const pair of sent === '' ? [] : sent.split('; ')) {
        assert.ok(headers.some((header) => header.includes(pair.slice(0, pair.indexOf('=')))))
      }
    }),
  )
})

test('links and assets of this site are found, each once', () => {
  const html = `<a class="x" href="/products/1">a</a><a href='/products/1'>b</a><a href="/?q=a&amp;page=2#top">c</a>
    <a href="//other/x">d</a><a href="https://other/">e</a><a name="/no">f</a><area href="/no">
    <link rel="stylesheet" href="/a.css"><link href="/f.svg" rel="icon"><link rel="canonical" href="/no">
    <script type="module" src="/a.js"></script><img src="/a.css" alt=""><script>"/no"</script>`
  const page = Buffer.from(html)
  assert.deepEqual(linksIn(page, '/products/'), ['/products/1'])
  assert.deepEqual(linksIn(page, '/?'), ['/?q=a&page=2'])
  assert.deepEqual(linksIn(page, '/nothing'), [])
  assert.ok(!linksIn(page, '/').some((path) => path.startsWith('//')))
  assert.equal(linksIn(Buffer.from(`${'<a href="/x/1">'.repeat(3)}<a href="/x/2">`), '/x/', 1).length, 1)
  assert.deepEqual(assetsIn(html), ['/a.css', '/f.svg', '/a.js'])
})

test('placeholders: one value for each name in a request, written as the place needs it', () => {
  const { requests } = checkMix(
    {
      requests: {
        order: {
          post: '/orders/{id}?w={word}',
          values: { id: '5..7', word: ['a b&c'] },
          json: { reference: '{reference}', lines: [{ id: '{id}', note: '{word}' }] },
          headers: { 'X-Key': '{reference}' },
        },
        form: { post: '/f', values: { word: ['a b&c'] }, form: { 'product-{user}': '{word}' } },
      },
    },
    'test',
  )
  const own = { reference: 'u1-2', user: 'u1' }
  for (let seed = 0; seed < 20; seed++) {
    const { path, body, headers } = fill(requests.order!, seeded(seed, 'x'), own)
    const [, id] = /^\/orders\/([567])\?w=a%20b%26c$/.exec(path)!
    assert.deepEqual(JSON.parse(body!.text), { reference: 'u1-2', lines: [{ id, note: 'a b&c' }] })
    assert.deepEqual(headers, { 'x-key': 'u1-2' })
  }
  assert.equal(fill(requests.form!, seeded(1, 'x'), own).body!.text, 'product-u1=a%20b%26c')
})
