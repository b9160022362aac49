import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Browser, type UserRequest } from '../../../../src/lab/users/client/browser.ts'
import { Stops } from '../../../../src/lab/users/client/stops.ts'
import { fakeSite } from '../fakes.ts'

/** A browser whose name server answers `leadsTo()` with a TTL that expires immediately. */
function browserOf(port: number, leadsTo: () => string) {
  const requests: UserRequest[] = []
  let asked = 0
  const browser = new Browser({
    ...{ name: 'u', visitor: 0, place: 0, from: undefined, subnet: undefined, servers: ['only'] },
    askServer: async () => {
      asked += 1
      const records = [{ type: 'A', ttlSeconds: 0, data: leadsTo() }]
      return { id: 1, code: 0, truncated: false, scope: 24, records }
    },
    site: { domain: 'shop.example.com', port, regionAt: new Map() },
    answerTimeoutMs: 60_000,
    stops: new Stops(),
    now: () => performance.now(),
    record: (request) => requests.push(request),
  })
  const fetch = async (path: string, method = 'GET') => {
    await browser.fetch({ kind: 'page', dueMs: performance.now(), method, path })
    // A connection is free again after a turn of the event loop.
    await new Promise(setImmediate)
    const { edge, dnsMs, connectMs, error } = requests.at(-1)!
    return { edge, isNew: connectMs > 0, hasAsked: dnsMs > 0, error }
  }
  return { browser, fetch, asked: () => asked }
}

test('a free connection is used whatever DNS says now, and the name is resolved again once it is closed', async (t) => {
  const old = await fakeSite(t, ({ url, socket }, response) =>
    url === '/closed' ? socket.destroy() : response.end('ok'),
  )
  const other = await fakeSite(t, (_, response) => response.end('ok'), '127.0.0.2', old.port)
  let leadsTo = old.address
  const { browser, fetch, asked } = browserOf(old.port, () => leadsTo)
  t.after(() => browser.close())
  const [first, kept] = [
    { isNew: true, hasAsked: true, error: undefined },
    { isNew: false, hasAsked: false, error: undefined },
  ]
  assert.deepEqual(await fetch('/'), { edge: old.address, ...first })
  leadsTo = other.address
  assert.deepEqual(await fetch('/'), { edge: old.address, ...kept })
  assert.equal(asked(), 1)
  // A read does not fail because it is closed, and follows DNS again.
  assert.deepEqual(await fetch('/closed'), { edge: other.address, ...first })
  assert.equal(asked(), 2)
  assert.deepEqual(await fetch('/'), { edge: other.address, ...kept })
  assert.equal(old.asked.length, 3)
})

test('only a GET is sent again', async (t) => {
  let refuses = false
  const site = await fakeSite(t, ({ socket }, response) => {
    if (refuses) socket.destroy()
    else response.end('ok')
  })
  const { browser, fetch, asked } = browserOf(site.port, () => site.address)
  t.after(() => browser.close())
  await fetch('/')
  refuses = true
  assert.equal((await fetch('/orders', 'POST')).error, 'connection reset')
  assert.equal(site.asked.length, 2)
  // The connection is gone, so the next request resolves the name; its failure is not due to a stale connection.
  assert.equal((await fetch('/')).error, 'connection reset')
  assert.equal(asked(), 2)
  assert.equal(site.asked.length, 3)
})
