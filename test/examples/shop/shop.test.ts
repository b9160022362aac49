/** The shop from the view of users and programs, with a real PostgreSQL and Redis. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Order } from '../../../examples/shop/store/orders.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { until } from '../../support/sandboxed.ts'
import { openShop, runProgram, type Shop } from './support.ts'

type Problem = { error: { code: string; details?: string[] } }

let postgres: TestPostgres
let redis: TestRedis
let shop: Shop

before(async () => {
  ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
  const { status, output } = await runProgram('seed.ts', { DATABASE_URL: postgres.url })
  assert.equal(status, 0, output)
  shop = openShop({ databaseUrl: postgres.url, redisUrl: redis.url })
  await until('the cache', () => shop.services.cache.state() === 'up')
})

after(async () => {
  await shop?.close()
  await Promise.all([postgres?.stop(), redis?.stop()])
})

const text = async (path: string) => (await shop.get(path)).text()
const json = async <T>(response: Response) => (await response.json()) as T
const cards = (markup: string) => markup.match(/class="card"/g)?.length ?? 0

test('a repeated release changes nothing', async () => {
  const counts =
    'SELECT (SELECT count(*)::int FROM products) AS products, (SELECT count(*)::int FROM orders) AS orders'
  const counted = await postgres.query(counts)
  const second = await runProgram('seed.ts', { DATABASE_URL: postgres.url })
  assert.match(second.output, /0 migrations applied, the shop already has data/)
  assert.deepEqual(await postgres.query(counts), counted)
})

test('concurrent releases fill the shop once', async () => {
  const [{ url }] = (await postgres.query<{ url: string }>(
    `SELECT '${postgres.url.replace(/postgres$/, 'twice')}' AS url`,
  )) as [{ url: string }]
  await postgres.query('CREATE DATABASE twice')
  const both = await Promise.all([1, 2].map(() => runProgram('seed.ts', { DATABASE_URL: url })))
  assert.deepEqual(
    both.map(({ status }) => status),
    [0, 0],
  )
  assert.deepEqual(both.map(({ output }) => /2000 products/.test(output)).sort(), [false, true])
})

test('the list has pages of 24 products; a page past the end is the last one', async () => {
  const first = await text('/')
  assert.match(first, /2,000 things/)
  assert.match(first, /Page 1 of 84/)
  assert.equal(cards(first), 24)
  assert.match(await text('/?page=999999999'), /Page 84 of 84/)
  for (const page of ['0', '-1', 'x', '99999999999999999999']) {
    assert.match(await text(`/?page=${page}`), /Page 1 of 84/)
  }
})

test('search finds words and prefixes, optionally in a category', async () => {
  assert.match(await text('/?q=fjord+teap'), /1 thing</)
  assert.match(await text('/?q=fjord'), /80 things/)
  assert.match(await text('/?q=fjord&category=Kitchen'), /10 things/)
  assert.match(await text('/?q=zzzz'), /Nothing found/)
})

test('no search and no address causes a database error', async () => {
  const nasty = [
    "'",
    "'; DROP TABLE orders; --",
    '%',
    '\\',
    ':*',
    '& | ! <->',
    '\0',
    '\u{1F600}',
    'a'.repeat(10_000),
  ]
  for (const part of nasty.map(encodeURIComponent)) {
    assert.equal((await shop.get(`/?q=${part}`)).status, 200, part)
    assert.equal((await shop.get(`/?category=${part}`)).status, 200, part)
    assert.equal((await shop.get(`/products/${part}`)).status, 404, part)
    assert.equal((await shop.get(`/orders/${part}`)).status, 404, part)
    assert.equal((await shop.get(`/api/orders?reference=${part}`)).status, 400, part)
    assert.equal((await shop.get(`/api/orders?since=${part}`)).status, 400, part)
  }
  assert.deepEqual(shop.log, [])
})

test('a product page recommends products bought together, most frequent first, and caches the ranking in Redis', async () => {
  const top = await postgres.query<{ id: number; name: string }>(
    `SELECT p.id, p.name FROM order_lines a JOIN order_lines b USING (order_id) JOIN products p ON p.id = b.product_id
     WHERE a.product_id = 5 AND b.product_id <> 5 GROUP BY p.id ORDER BY count(*) DESC, p.id LIMIT 4`,
  )
  const page = await text('/products/5')
  const shown = [...page.matchAll(/type="checkbox" name="product-(\d+)"/g)].map(([, id]) => Number(id))
  assert.deepEqual(
    shown,
    top.map(({ id }) => id),
  )
  const key = 'shop:bought-together:5'
  await until('the ranking in Redis', async () => (await redis.command('GET', key)) === JSON.stringify(shown))
  assert.ok(Number(await redis.command('TTL', key)) > 0)

  await redis.command('SET', key, '[7]')
  assert.match(await text('/products/5'), /type="checkbox" name="product-7"/)
  await redis.command('SET', key, 'not JSON')
  assert.match(await text('/products/5'), new RegExp(`name="product-${shown[0]}"`))
})

test('a browser orders with a form, is redirected to its order and finds it in its history', async () => {
  const response = await shop.submit({ 'product-12': '2', 'product-17': '1' })
  assert.equal(response.status, 303)
  const location = response.headers.get('location')!
  assert.match(location, /^\/orders\/[0-9a-f-]{36}$/)
  const cookie = response.headers.get('set-cookie')!
  assert.match(cookie, /^shop_customer=[0-9a-f-]{36}; .*HttpOnly; SameSite=Lax$/)

  const shown = await text(location)
  assert.match(shown, /Thank you/)
  const history = await (await shop.get('/orders', { cookie: cookie.split(';')[0]! })).text()
  assert.ok(history.includes(location))
  assert.doesNotMatch(await text('/orders'), /\/orders\/[0-9a-f-]{36}/)
})

test('over TLS, the cookie is Secure', async () => {
  const response = await shop.submit({ 'product-1': '1' }, { 'x-forwarded-proto': 'https' })
  assert.match(response.headers.get('set-cookie') ?? '', /; Secure/)
})

test('browsing sets no cookie', async () => {
  for (const path of ['/', '/products/1', '/orders', '/assets/shop.css', '/healthz']) {
    assert.equal((await shop.get(path)).headers.get('set-cookie'), null, path)
  }
})

test('a program gets its order back at catalogue prices', async () => {
  const response = await shop.order({ reference: 'program-1', lines: [{ productId: 3, quantity: 2 }] })
  assert.equal(response.status, 201)
  const order = await json<Order>(response)
  const [product] = await postgres.query<{ name: string; cents: number }>(
    'SELECT name, price_cents AS cents FROM products WHERE id = 3',
  )
  assert.equal(response.headers.get('location'), `/orders/${order.id}`)
  assert.equal(order.totalCents, product!.cents * 2)
  assert.deepEqual(order.lines, [
    { productId: 3, name: product!.name, quantity: 2, unitPriceCents: product!.cents },
  ])
  assert.deepEqual(
    await (await shop.get(`/orders/${order.id}`, { accept: 'application/json' })).json(),
    order,
  )
})

test('the same reference is one order, however often and concurrently it is sent', async () => {
  const wanted = { reference: 'again', lines: [{ productId: 8, quantity: 1 }] }
  const responses = await Promise.all([1, 2, 3, 4, 5].map(() => shop.order(wanted)))
  assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 200, 200, 200, 201])
  const ids = new Set(await Promise.all(responses.map(async (response) => (await json<Order>(response)).id)))
  assert.equal(ids.size, 1)
})

test('a reference of another order is refused', async () => {
  await shop.order({ reference: 'mine', lines: [{ productId: 8, quantity: 1 }] })
  const other = await shop.order({ reference: 'mine', lines: [{ productId: 9, quantity: 1 }] })
  assert.equal(other.status, 409)
  assert.equal((await json<Problem>(other)).error.code, 'reference_taken')
})

test('an invalid order is refused with a reason and leaves nothing behind', async () => {
  const before = await postgres.query('SELECT count(*)::int FROM orders')
  const unknown = await shop.order({ lines: [{ productId: 2_001, quantity: 1 }] })
  assert.equal(unknown.status, 400)
  assert.deepEqual((await json<Problem>(unknown)).error.details, ['lines: no product 2001'])
  assert.equal((await shop.order({ lines: [] })).status, 400)
  assert.equal((await shop.submit({})).status, 400)
  assert.equal((await shop.order({ lines: 'x'.repeat(20_000) })).status, 413)
  assert.equal((await shop.order({}, { 'content-type': 'text/plain' })).status, 415)
  assert.equal((await shop.submit({ 'product-1': '1' }, { 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.deepEqual(await postgres.query('SELECT count(*)::int FROM orders'), before)
})

test('the API finds an order by its reference', async () => {
  await shop.order({ reference: 'checked', lines: [{ productId: 8, quantity: 1 }] })
  const { orders } = await json<{ orders: Order[] }>(
    await shop.get('/api/orders?reference=checked&reference=missing'),
  )
  assert.deepEqual(
    orders.map(({ reference }) => reference),
    ['checked'],
  )
})

test('the API lists all orders since a time, page by page, each once', async () => {
  const since = '2025-12-31T00:00:00Z'
  const expected = await postgres.query<{ reference: string }>(
    'SELECT reference FROM orders WHERE placed_at >= $1 ORDER BY placed_at, id',
    [since],
  )
  const seen: string[] = []
  let next: string | null = `/api/orders?since=${since}&limit=7`
  while (next !== null) {
    const page = (await (await shop.get(next)).json()) as {
      orders: { reference: string }[]
      next: string | null
    }
    seen.push(...page.orders.map(({ reference }) => reference))
    next = page.next
  }
  assert.ok(seen.length > 7)
  assert.deepEqual(
    seen,
    expected.map(({ reference }) => reference),
  )
})

test('the stylesheet of a page may be cached forever, and unchanged assets are not sent twice', async () => {
  const [, url] = /href="(\/assets\/shop\.[^"]+\.css)"/.exec(await text('/'))!
  const css = await shop.get(url!)
  assert.equal(css.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  assert.equal(css.headers.get('content-type'), 'text/css; charset=utf-8')
  const icon = await shop.get('/assets/favicon.svg')
  assert.equal(icon.headers.get('cache-control'), 'public, max-age=60')
  const again = await shop.get('/assets/favicon.svg', { 'if-none-match': `W/${icon.headers.get('etag')}` })
  assert.equal(again.status, 304)
  assert.equal(await again.text(), '')
})

test('pages name the region that served them, and ignore invalid edge names', async () => {
  assert.match(await text('/'), /served by <b>us-west<\/b>/)
  const via = async (edge: string) => (await shop.get('/', { 'nearside-edge': edge })).text()
  assert.match(await via('us-east'), /received at <b>us-east<\/b>/)
  assert.doesNotMatch(await via('<b>us-east'), /received at/)
})

test('events are sent until the shop stops', async () => {
  const other = openShop({ databaseUrl: postgres.url })
  const response = await other.get('/events')
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  let stream = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    stream += chunk
    if (stream.split('event: news').length > 2) other.services.ticker.close()
  }
  assert.match(stream, /event: news\ndata: {"region":"us-west"}\n\n/)
  await other.close()
})

test('a bug is logged and not shown to the user', async () => {
  const broken = openShop(
    { databaseUrl: postgres.url },
    {
      database: {
        ...shop.services.database,
        read: async () => {
          throw new Error('the secret is 42')
        },
      },
    },
  )
  for (const accept of ['text/html', 'application/json']) {
    const response = await broken.get('/', { accept })
    assert.equal(response.status, 500)
    assert.doesNotMatch(await response.text(), /42|Error|\.ts/)
  }
  assert.equal(broken.log.length, 2)
  assert.match(broken.log[0]!, /^GET \/: Error: the secret is 42/)
  await broken.services.cache.close()
})

test('pages allow only their own scripts and styles', async () => {
  const response = await shop.get('/')
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/)
  assert.doesNotMatch(await response.text(), /style="|<style|javascript:|onclick/)
})
