import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { UserRequest } from '../../../src/lab/users/client/browser.ts'
import { runJob, type UsersJob } from '../../../src/lab/users/job.ts'
import { shopMix } from '../../../src/lab/users/plan/shop-mixes.ts'
import { fakeNames, fakeSite, jobFor, pages } from './fakes.ts'

async function run(job: UsersJob, signal = new AbortController().signal) {
  const requests: UserRequest[] = []
  const result = await runJob(job, { signal, onRequest: (request) => requests.push(request) })
  return { result, requests }
}

const here = { addresses: ['127.0.0.1'], ttlSeconds: 60 }

test('a site that stands still is asked as often as before, and its standing still is in the latencies', async (t) => {
  // Still from 300 to 700 ms after the first request; everything that comes meanwhile waits until 700.
  let first: number | undefined
  const arrivals: number[] = []
  const site = await fakeSite(t, (_, response) => {
    const now = performance.now()
    first ??= now
    arrivals.push(now - first)
    const still = now - first > 300 && now - first < 700
    setTimeout(() => response.end('ok'), still ? 700 - (now - first) : 0)
  })
  const names = await fakeNames(t, () => here)
  const { result } = await run(
    jobFor(site, names, { mix: pages({ steps: 1 }), ratePerSecond: 200, forMs: 1000 }),
  )
  const between = (low: number, high: number) => arrivals.filter((at) => at >= low && at < high).length
  assert.ok(result.all.requests > 150 && result.all.requests < 250, `${result.all.requests} requests`)
  assert.ok(between(320, 680) > 45, `${between(320, 680)} of about 72 arrived while it stood still`)
  // Those that came in these 400 ms waited evenly from 400 to 0 ms: two fifths of all, so half of these over 200 ms.
  const slow = 1 - result.curves[0]!.points.findLast(([ms]) => ms <= 200)![1]
  assert.ok(
    slow > 0.1 && slow < 0.3,
    `${slow} were slower than 200 ms; a closed loop would have had one per user`,
  )
  assert.ok(result.all.latency.max > 330)
})

test('connections are kept: users have one, unless this machine stalls and their requests overlap', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const names = await fakeNames(t, () => here)
  const place = jobFor(site, names).places[0]!
  const { result } = await run(
    jobFor(site, names, {
      ratePerSecond: 100,
      forMs: 2000,
      places: [{ ...place, network: '127.0.7' }],
      mix: pages({ steps: 10, think: '80ms-120ms' }),
    }),
  )
  assert.equal(result.all.failed, 0)
  const counts = [...site.connectionsFrom.values()]
  const single = counts.filter((count) => count === 1).length
  assert.ok(single >= 0.8 * counts.length, `${single} of ${counts.length} users had one connection`)
  assert.ok(
    [...site.connectionsFrom.keys()].every((from) => from.startsWith('127.0.7.')),
    'its own address',
  )
  const connections = counts.reduce((sum, count) => sum + count, 0)
  assert.ok(result.cold.requests <= connections, 'some were made in the lead-in')
  assert.ok(result.warm.requests > 3 * result.cold.requests)
  assert.equal(names.asked.length, site.connectionsFrom.size, 'one question a user')
  assert.deepEqual(new Set(names.asked.map(({ subnet }) => subnet)), new Set(['9.9.9.0/24']))
  assert.ok(names.asked.every(({ from }) => from.startsWith('127.0.7.')))
  assert.ok(site.asked.every(({ host }) => host === 'shop.example.com'))
})

test('an answer of DNS holds for its TTL: then users go where it leads now', async (t) => {
  const answer = (
    _: unknown,
    response: { setHeader(name: string, value: string): void; end(text: string): void },
  ) => {
    response.setHeader('nearside-region', 'somewhere')
    response.end('ok')
  }
  const east = await fakeSite(t, answer, '127.0.0.2')
  const west = await fakeSite(t, answer, '127.0.0.3', east.port)
  let lost = false
  const names = await fakeNames(t, () => ({ addresses: [lost ? '127.0.0.3' : '127.0.0.2'], ttlSeconds: 1 }))
  setTimeout(() => {
    lost = true
    east.close()
  }, 500)
  const regions = [east, west].map(({ address }, i) => ({
    name: i === 0 ? 'east' : 'west',
    address,
    location: { lat: 0, lon: 0 },
  }))
  // Every visit is longer than the run: all users have asked before the loss.
  const mix = pages({ steps: 1000, think: '50ms-100ms' })
  const { result, requests } = await run(
    jobFor(east, names, { regions, mix, ratePerSecond: 100, forMs: 2500 }),
  )
  const failed = requests.filter(({ error }) => error)
  assert.ok(failed.length > 10, `${failed.length} failed while the answer held`)
  assert.deepEqual([...new Set(failed.map(({ error }) => error))].sort().at(0), 'connection refused')
  assert.ok(failed.every(({ edge }) => edge === 'east'))
  assert.ok(
    failed.every(({ atMs }) => atMs > 350 && atMs < 1500),
    'none after the TTL of 1 s is over',
  )
  const late = requests.filter(({ atMs }) => atMs > 1600)
  assert.ok(late.length > 40 && late.every(({ error, edge }) => !error && edge === 'west'))
  assert.deepEqual(result.regions.map(({ name }) => name).sort(), ['east', 'west'])
  assert.ok(result.served.some(({ edge, servedBy }) => edge === 'west' && servedBy === 'somewhere'))
})

test('errors are told apart by what a user would see', async (t) => {
  const site = await fakeSite(t, ({ url }, response) => {
    if (url === '/503') response.writeHead(503).end('no')
    else if (url === '/reset') response.socket!.resetAndDestroy()
    else if (url === '/cut') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('only this')
      setTimeout(() => response.socket!.destroy(), 5)
    } else if (url !== '/silent') response.end('ok')
  })
  const names = await fakeNames(t, () => here)
  const requests = Object.fromEntries(
    ['503', 'reset', 'cut', 'silent', 'good'].map((name) => [`a ${name}`, { get: `/${name}` }]),
  )
  const mix = pages({ steps: 1, requests })
  const { result } = await run(jobFor(site, names, { mix, patienceMs: 300, ratePerSecond: 200, forMs: 500 }))
  assert.deepEqual(result.errors.map(({ error }) => error).sort(), [
    'HTTP 503',
    'answer cut short',
    'connection reset',
    'timed out',
  ])
  for (const { name, requests, failed } of result.kinds)
    assert.equal(failed, name === 'a good' ? 0 : requests, name)
  assert.equal(result.all.fastShare < 0.4, true, 'what failed is not fast')
  assert.equal(result.slo.met, false)
})

test('a name server that refuses, and one that is silent, are no reason to give up while another answers', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const refusing = await fakeNames(t, () => ({ addresses: [], ttlSeconds: 0, code: 5 }))
  const good = await fakeNames(t, () => here)
  const job = jobFor(site, refusing, { ratePerSecond: 50, forMs: 300, servers: [refusing, good] })
  const withBoth = await run({ ...job, places: [{ ...job.places[0]!, servers: [0, 1] }] })
  assert.equal(withBoth.result.all.failed, 0)
  const alone = await run(job)
  assert.deepEqual(
    alone.result.errors.map(({ error }) => error),
    ['DNS: refused'],
  )
  assert.deepEqual(
    alone.result.served.map(({ edge, servedBy }) => [edge, servedBy]),
    [['nobody', 'nobody']],
  )
})

test('of several addresses the next one is taken when a connection cannot be had', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'), '127.0.0.3')
  const names = await fakeNames(t, () => ({ addresses: ['127.0.0.2', '127.0.0.3'], ttlSeconds: 60 }))
  const { result } = await run(jobFor(site, names, { ratePerSecond: 50, forMs: 300 }))
  assert.equal(result.all.failed, 0)
  assert.ok(site.asked.length > 0)
})

test('a kept connection that was closed meanwhile costs a reader nothing', async (t) => {
  // Closes without a word as soon as the second request is there, as a server does whose idle time was over.
  const seen = new Map<unknown, number>()
  const site = await fakeSite(t, (request, response) => {
    const count = (seen.get(request.socket) ?? 0) + 1
    seen.set(request.socket, count)
    if (count === 2) request.socket.destroy()
    else response.end('ok')
  })
  const names = await fakeNames(t, () => here)
  const { result } = await run(jobFor(site, names, { ratePerSecond: 100, forMs: 500 }))
  assert.equal(result.all.failed, 0)
  assert.ok([...seen.values()].some((count) => count === 2))
})

test('shoppers follow links, keep cookies, order with references of their own and see what they ordered', async (t) => {
  const site = await fakeSite(t, ({ url = '', method }, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    if (method === 'POST') {
      response.setHeader('set-cookie', ['shop_customer=c1; Path=/; HttpOnly; Max-Age=1000'])
      response.writeHead(303, { location: '/orders/77' }).end()
    } else if (url.startsWith('/assets/')) {
      response.setHeader('content-type', 'text/css')
      response.end('x')
    } else if (url.startsWith('/products/')) response.end('<a href="/products/4002">more</a>')
    else
      response.end(
        '<link rel="stylesheet" href="/assets/shop.1.css"><script src="/assets/shop.2.js"></script>' +
          '<a class="card" href="/products/4001">a</a><a href="//elsewhere/products/9">b</a>',
      )
  })
  const names = await fakeNames(t, () => here)
  const mix = { ...shopMix('checkout'), thinkMs: { min: 10, max: 20 }, steps: 20 }
  const { result, requests } = await run(jobFor(site, names, { mix, ratePerSecond: 150, forMs: 1500 }))
  assert.equal(result.all.failed, 0)
  const paths = (kind: string) => new Set(requests.filter((one) => one.kind === kind).map(({ path }) => path))
  assert.deepEqual(paths('asset'), new Set(['/assets/shop.1.css', '/assets/shop.2.js']))
  assert.ok(paths('product').has('/products/4001'), 'a link of the home page')
  assert.ok(paths('recommendation').has('/products/4002'), 'a link of a product page')
  assert.ok(![...paths('product')].some((path) => path.includes('elsewhere')))
  assert.deepEqual(paths('order, shown'), new Set(['/orders/77']))
  const orders = requests.filter(({ kind }) => kind === 'order')
  const references = orders.map(({ reference }) => reference)
  assert.ok(orders.length > 10 && new Set(references).size === orders.length)
  const posted = site.asked
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => new URLSearchParams(body))
  assert.deepEqual(
    new Set(posted.map((form) => form.get('reference'))),
    new Set(references),
    'each order under its own reference',
  )
  const after = site.asked.filter(({ path }) => path === '/orders/77')
  assert.ok(after.every(({ cookie }) => cookie === 'shop_customer=c1'))
})

test('a run that is stopped tells what was answered until then, at once', async (t) => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.2', resolve))
  t.after(() => silent.close())
  const { port } = silent.address() as { port: number }
  let asked = 0
  const site = await fakeSite(
    t,
    (_, response) => void (++asked > 20 || response.end('ok')),
    '127.0.0.1',
    port,
  )
  const names = await fakeNames(t, () => here)
  const stopping = new AbortController()
  setTimeout(() => stopping.abort(), 600)
  const begunMs = performance.now()
  const { result } = await run(jobFor(site, names, { forMs: Infinity, patienceMs: 60_000 }), stopping.signal)
  assert.ok(performance.now() - begunMs < 2500)
  assert.equal(result.stopped, true)
  assert.ok(result.all.requests > 8 && result.all.requests <= 20, 'the others were in the lead-in')
  assert.ok(result.unanswered > 10)
  assert.ok(result.ranMs > 450 && result.ranMs < 2000)
})
