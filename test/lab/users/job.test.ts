import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { UserRequest } from '../../../src/lab/users/client/browser.ts'
import { runJob, type UsersJob } from '../../../src/lab/users/job.ts'
import { visits } from '../../../src/lab/users/plan/arrivals.ts'
import { shopMix } from '../../../src/lab/users/plan/shop-mixes.ts'
import { fakeNames, fakeSite, jobFor, pages } from './fakes.ts'

async function run(job: UsersJob) {
  const requests: UserRequest[] = []
  const result = await runJob(job, {
    signal: new AbortController().signal,
    onRequest: (request) => requests.push(request),
  })
  return { result, requests }
}

/** Runs until the condition holds, however long that takes on a busy machine, but at most a minute. */
async function runUntil(job: UsersJob, seen: (requests: readonly UserRequest[]) => boolean) {
  const requests: UserRequest[] = []
  const stopping = new AbortController()
  const limit = setTimeout(() => stopping.abort(), 60_000)
  const asked = { ...job.asked, forMs: Infinity }
  const result = await runJob(
    { ...job, asked },
    {
      signal: stopping.signal,
      onRequest: (request) => {
        requests.push(request)
        if (seen(requests)) stopping.abort()
      },
    },
  )
  clearTimeout(limit)
  assert.ok(seen(requests), `not seen in ${requests.length} requests: ${seen}`)
  return { result, requests }
}

const here = { addresses: ['127.0.0.1'], ttlSeconds: 60 }

/** Gives each user an address, for fewer than 255 users. */
const livingIn = (network: string, job: UsersJob): UsersJob => ({
  ...job,
  places: [{ ...job.places[0]!, network }],
})

/** A reference in the path, to identify a request on both sides. */
const own = { page: { get: '/{reference}' } }

test('a stalled site gets as many requests as before, and latencies include the stall', async (t) => {
  // Stalls from the 101st request until 60 are waiting.
  const held: { path: string; from: string; atMs: number; response: ServerResponse }[] = []
  let arrived = 0
  let releasedMs: number | undefined
  const site = await fakeSite(t, ({ url, socket }, response) => {
    if (++arrived <= 100 || releasedMs !== undefined) return void response.end('ok')
    held.push({ path: url!, from: socket.remoteAddress!, atMs: performance.now(), response })
    if (held.length < 60) return
    releasedMs = performance.now()
    for (const one of held) one.response.end('ok')
  })
  const names = await fakeNames(t, () => here)
  // About 20 users over the whole run.
  const mix = pages({ steps: 1000, think: '50ms-150ms', requests: own })
  const job = livingIn('127.0.6', jobFor(site, names, { mix, ratePerSecond: 200, forMs: 1500 }))
  const { result, requests } = await run(job)
  assert.ok(releasedMs !== undefined, `only ${held.length} waited: requests were sent one after another`)
  const users = new Set(held.map(({ from }) => from)).size
  assert.ok(users < 40, `${users} users: if each waited for its answer, 60 requests could not be waiting`)
  const planned = [...visits({ ...job.asked, mix, places: job.places })]
    .flatMap(({ steps }) => steps)
    .filter(({ atMs }) => atMs >= 0)
  assert.equal(result.all.requests, planned.length)
  assert.equal(result.all.failed, 0)

  const known = new Map(requests.map((request) => [request.path, request]))
  const waited = held.flatMap(({ path, atMs }) => {
    const request = known.get(path)
    return request ? [{ latencyMs: request.latencyMs, heldMs: releasedMs! - atMs }] : []
  })
  assert.ok(waited.length > 30, 'the others were in the lead-in')
  for (const { latencyMs, heldMs } of waited) assert.ok(latencyMs >= heldMs, `${latencyMs} of ${heldMs} ms`)
  assert.ok(result.all.latency.max >= Math.fround(Math.max(...waited.map(({ heldMs }) => heldMs))))
})

test('connections are kept alive: a user with a free one opens no other, and resolves the name once', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const names = await fakeNames(t, () => here)
  const mix = pages({ steps: 100, think: '80ms-120ms' })
  /** Requests that were due when all earlier ones of their user had been answered. */
  const alone = (requests: readonly UserRequest[]) => {
    const endedMs = new Map<string, number>()
    return [...requests]
      .sort((a, b) => a.atMs - b.atMs)
      .filter(({ user, atMs, latencyMs }) => {
        const before = endedMs.get(user)
        endedMs.set(user, Math.max(before ?? 0, atMs + latencyMs))
        return before !== undefined && before < atMs
      })
  }
  const job = livingIn('127.0.7', jobFor(site, names, { mix }))
  const { result, requests } = await runUntil(job, (all) => alone(all).length >= 100)
  assert.equal(result.all.failed, 0)
  assert.ok(alone(requests).every(({ connectMs, dnsMs }) => connectMs === 0 && dnsMs === 0))
  assert.ok(result.warm.requests >= 100)
  const connections = [...site.connectionsFrom.values()].reduce((sum, count) => sum + count, 0)
  assert.ok(result.cold.connected.requests <= connections, 'some were opened in the lead-in')
  assert.ok(
    [...site.connectionsFrom.keys()].every((from) => from.startsWith('127.0.7.')),
    'its own address',
  )
  for (const { from, atMs } of names.asked) {
    const first = site.asked.find((one) => one.from === from)
    assert.ok(!first || atMs < first.atMs, `${from} resolved again although it had an answer`)
  }
  assert.deepEqual(new Set(names.asked.map(({ subnet }) => subnet)), new Set(['9.9.9.0/24']))
  assert.ok(names.asked.every(({ from }) => from.startsWith('127.0.7.')))
  assert.ok(site.asked.every(({ host }) => host === 'shop.example.com'))
})

test('a DNS answer is used for its TTL; then users follow the new one', async (t) => {
  // East fails with ten requests in flight, after users have been there for a while.
  let answered = 0
  let held = 0
  let lostMs: number | undefined
  const east = await fakeSite(
    t,
    (_, response) => {
      if (++answered <= 40) response.end('ok')
      else if (++held === 10) {
        lostMs = performance.now()
        east.close()
      }
    },
    '127.0.0.2',
  )
  const west = await fakeSite(
    t,
    (_, response) => response.setHeader('nearside-region', 'somewhere').end('ok'),
    '127.0.0.3',
    east.port,
  )
  const names = await fakeNames(t, () => ({
    addresses: [lostMs === undefined ? '127.0.0.2' : '127.0.0.3'],
    ttlSeconds: 1,
  }))
  const regions = [east, west].map(({ address }, i) => ({
    name: i === 0 ? 'east' : 'west',
    address,
    location: { lat: 0, lon: 0 },
  }))
  const mix = pages({ steps: 1000, think: '50ms-100ms' })
  const job = livingIn('127.0.8', jobFor(east, names, { regions, mix }))
  const usersOf = (requests: readonly UserRequest[]) => new Set(requests.map(({ user }) => user))
  const { result, requests } = await runUntil(job, (all) => {
    const unlucky = usersOf(all.filter(({ error }) => error))
    return all.filter(({ edge, error, user }) => edge === 'west' && !error && unlucky.has(user)).length >= 40
  })
  const failed = requests.filter(({ error }) => error)
  for (const { error, edge } of failed) {
    assert.ok(error === 'connection refused' || error === 'connection reset', error)
    assert.equal(edge, 'east')
  }
  for (const user of usersOf(requests.filter(({ edge }) => edge === 'west'))) {
    const own = requests.filter((request) => request.user === user)
    const there = own.filter(({ edge }) => edge === 'west').map(({ atMs, latencyMs }) => atMs + latencyMs)
    const back = own.filter(({ edge, atMs }) => edge === 'east' && atMs > Math.min(...there))
    assert.deepEqual(back, [], 'a user with the new answer does not go back')
    const address = `127.0.8.${1 + Number(user.split('-').at(-1))}`
    assert.ok(
      names.asked.some(({ from, atMs }) => from === address && atMs >= lostMs!),
      `${user} went west without a lookup`,
    )
  }
  assert.deepEqual(result.regions.map(({ name }) => name).sort(), ['east', 'west'])
  assert.ok(result.served.some(({ edge, servedBy }) => edge === 'west' && servedBy === 'somewhere'))
})

test('errors are distinguished as a user would see them', async (t) => {
  const site = await fakeSite(t, ({ url }, response) => {
    if (url === '/503') response.writeHead(503).end('no')
    else if (url === '/reset') response.socket!.resetAndDestroy()
    else if (url === '/cut') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('only this', () => response.socket!.destroy())
    } else if (url !== '/silent') response.end('ok')
  })
  const names = await fakeNames(t, () => here)
  const asking = (kinds: string[]) =>
    pages({ steps: 1, requests: Object.fromEntries(kinds.map((name) => [`a ${name}`, { get: `/${name}` }])) })
  const changes = { ratePerSecond: 200, forMs: 500 }
  const mix = asking(['503', 'reset', 'cut', 'good'])
  const { result } = await run(jobFor(site, names, { ...changes, mix }))
  assert.deepEqual(result.errors.map(({ error }) => error).sort(), [
    'HTTP 503',
    'answer cut short',
    'connection reset',
  ])
  for (const { name, requests, failed } of result.kinds)
    assert.equal(failed, name === 'a good' ? 0 : requests, name)
  const { requests, failed, fastShare } = result.all
  assert.ok(fastShare <= (requests - failed) / requests, 'failed requests are not fast')
  assert.equal(result.slo.met, false)

  // A separate run, because only here the timeout may be short: nothing is answered anyway.
  const silent = await run(jobFor(site, names, { ...changes, mix: asking(['silent']), answerTimeoutMs: 300 }))
  assert.deepEqual(
    silent.result.errors.map(({ error }) => error),
    ['timed out'],
  )
  assert.equal(silent.result.all.failed, silent.result.all.requests)
})

test('a name server that refuses or does not answer is skipped if another one answers', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'))
  const refusing = await fakeNames(t, () => ({ addresses: [], ttlSeconds: 0, code: 5 }))
  const silent = await fakeNames(t, () => undefined)
  const good = await fakeNames(t, () => here)
  const job = jobFor(site, refusing, { ratePerSecond: 50, forMs: 300, servers: [refusing, silent, good] })
  const withAll = await run({ ...job, places: [{ ...job.places[0]!, servers: [0, 1, 2, 2, 2] }] })
  assert.equal(withAll.result.all.failed, 0)
  assert.ok(refusing.asked.length > 0 && silent.asked.length > 0)
  const alone = await run(job)
  assert.deepEqual(
    alone.result.errors.map(({ error }) => error),
    ['DNS: refused'],
  )
  assert.deepEqual(
    alone.result.served.map(({ edge, servedBy }) => [edge, servedBy]),
    [['none', 'none']],
  )
})

test('the next address is used if a connection to one fails', async (t) => {
  const site = await fakeSite(t, (_, response) => response.end('ok'), '127.0.0.3')
  const names = await fakeNames(t, () => ({ addresses: ['127.0.0.2', '127.0.0.3'], ttlSeconds: 60 }))
  const { result } = await run(jobFor(site, names, { ratePerSecond: 50, forMs: 300 }))
  assert.equal(result.all.failed, 0)
  assert.ok(site.asked.length > 0)
})

test('a kept-alive connection that was closed meanwhile causes no error for a read', async (t) => {
  // Closes silently on the second request, like a server after its idle timeout. Once per user, because overlapping
  // requests use several connections and no browser retries forever.
  const used = new Set<unknown>()
  const closedTo = new Set<string>()
  const closedOn = new Set<string>()
  const site = await fakeSite(t, ({ socket, url }, response) => {
    const from = socket.remoteAddress!
    if (used.has(socket) && !closedTo.has(from)) {
      closedTo.add(from)
      closedOn.add(url!)
      socket.destroy()
    } else {
      used.add(socket)
      response.end('ok')
    }
  })
  const names = await fakeNames(t, () => here)
  const job = livingIn('127.0.9', jobFor(site, names, { mix: pages({ requests: own }) }))
  const met = (all: readonly UserRequest[]) => all.filter(({ path }) => closedOn.has(path))
  const { result, requests } = await runUntil(job, (all) => met(all).length >= 10)
  assert.equal(result.all.failed, 0)
  for (const { path } of met(requests))
    assert.equal(site.asked.filter((one) => one.path === path).length, 2, 'it was sent again')
})

test('neither does one that a request of a busy user has waited for', async (t) => {
  // All six connections of one user are busy; the first to be free again is closed under the request that waited for it.
  const held: { socket: unknown; response: ServerResponse }[] = []
  let user: string | undefined
  let closedOn: string | undefined
  const site = await fakeSite(t, ({ socket, url }, response) => {
    user ??= socket.remoteAddress!
    if (socket.remoteAddress !== user || closedOn !== undefined) return void response.end('ok')
    if (held.some((one) => one.socket === socket)) {
      closedOn = url!
      socket.destroy()
      for (const one of held) one.response.end('ok')
    } else if (held.push({ socket, response }) === 6) response.end('ok')
  })
  const names = await fakeNames(t, () => here)
  const mix = pages({ steps: 1000, think: '1ms', requests: own })
  const job = livingIn('127.0.10', jobFor(site, names, { mix, ratePerSecond: 1000 }))
  const { result, requests } = await runUntil(job, (all) => all.some(({ path }) => path === closedOn))
  assert.equal(result.all.failed, 0)
  assert.equal(requests.find(({ path }) => path === closedOn)?.error, undefined)
})

test('shoppers follow links, keep cookies, order with unique references and see their orders', async (t) => {
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
  const of = (all: readonly UserRequest[], kind: string) => all.filter((one) => one.kind === kind)
  const paths = (all: readonly UserRequest[], kind: string) => new Set(of(all, kind).map(({ path }) => path))
  const { result, requests } = await runUntil(
    jobFor(site, names, { mix, ratePerSecond: 150 }),
    (all) =>
      of(all, 'order').length > 10 &&
      of(all, 'order, shown').length > 10 &&
      paths(all, 'asset').size > 1 &&
      // Links of the home page, and of a product page.
      paths(all, 'product').has('/products/4001') &&
      paths(all, 'recommendation').has('/products/4002'),
  )
  assert.equal(result.all.failed, 0)
  assert.deepEqual(paths(requests, 'asset'), new Set(['/assets/shop.1.css', '/assets/shop.2.js']))
  assert.ok(![...paths(requests, 'product')].some((path) => path.includes('elsewhere')))
  assert.deepEqual(paths(requests, 'order, shown'), new Set(['/orders/77']))
  const posted = site.asked
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => new URLSearchParams(body).get('reference'))
  assert.equal(new Set(posted).size, posted.length, 'each order has its own reference')
  for (const { reference } of of(requests, 'order')) assert.ok(reference && posted.includes(reference))
  const after = site.asked.filter(({ path }) => path === '/orders/77')
  assert.ok(after.every(({ cookie }) => cookie === 'shop_customer=c1'))
})

test('a stopped run reports the answers so far, immediately', { timeout: 120_000 }, async (t) => {
  // Ten counted requests are answered, then none. Users would wait for an hour.
  const stopping = new AbortController()
  const requests: UserRequest[] = []
  let held = 0
  const site = await fakeSite(t, (_, response) => {
    if (requests.length < 10) response.end('ok')
    else if (++held === 30) stopping.abort()
  })
  const names = await fakeNames(t, () => here)
  const begunMs = performance.now()
  const result = await runJob(jobFor(site, names, { forMs: Infinity, answerTimeoutMs: 3_600_000 }), {
    signal: stopping.signal,
    onRequest: (request) => requests.push(request),
  })
  const tookMs = performance.now() - begunMs
  assert.equal(result.stopped, true)
  assert.ok(result.all.requests >= 10)
  assert.equal(result.all.requests, requests.length)
  assert.equal(result.all.failed, 0, 'requests in flight have not failed')
  assert.ok(result.unanswered > 0)
  assert.ok(result.ranMs >= Math.max(...requests.map(({ atMs }) => atMs)) && result.ranMs <= tookMs)
})
