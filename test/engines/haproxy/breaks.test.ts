import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type EdgeWorld, keepAlive, startEdges } from '../../support/edge.ts'
import { echo, type Handler } from '../../support/fakes.ts'
import { until } from '../../support/sandboxed.ts'
import { threeRegions } from '../../support/topologies.ts'

const reads = ['GET', 'HEAD', 'OPTIONS'] as const

describe('an app that breaks off', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: threeRegions, primary: 'us-east', varnish: true })
    const breaks = (request: { url?: string | undefined }) => request.url!.includes('/broken')
    for (const name of ['us-east', 'us-west', 'eu-west'])
      for (const app of world.at(name).apps) {
        const answer = echo(app.name)
        app.handle = (request, response) =>
          breaks(request) ? request.socket.destroy() : answer(request, response)
      }
  })
  after(() => world?.stop())

  const seen = () =>
    ['us-east', 'us-west', 'eu-west'].flatMap((name) =>
      world.at(name).apps.flatMap((app) => app.requests.filter((one) => one.includes('/broken'))),
    )

  /** Asks on one connection, between answers that keep it open: the first request is a case of its own. */
  async function askBroken(
    edge: string,
    path: string,
    options: { method: string; port?: number; localAddress?: string },
  ) {
    const agent = keepAlive()
    const statuses: number[] = []
    const counts: number[] = []
    for (let n = 0; n < 3; n += 1) {
      const before = seen().length
      statuses.push((await world.at(edge).ask(path, { ...options, agent })).status)
      counts.push(seen().length - before)
      assert.equal((await world.at(edge).ask('/good', { ...options, method: 'GET', agent })).status, 200)
    }
    agent.destroy()
    return { statuses, most: Math.max(...counts) }
  }

  for (const method of reads)
    test(`gives a 502 to ${method}, on the first and on later requests of a connection, and sees it twice at most`, async () => {
      for (const path of ['/broken', '/assets/broken.css']) {
        const { statuses, most } = await askBroken('us-east', path, { method })
        assert.deepEqual(statuses, [502, 502, 502], path)
        assert.ok(most <= 2, `${path} was sent ${most} times`)
      }
    })

  test('gives another region a 502 too, and sees a request twice at most', async () => {
    for (const app of world.at('us-west').apps) app.healthy = false
    await until('us-west to have no app', async () => (await world.at('us-west').up('app')).length === 0)
    for (const method of reads)
      for (const path of ['/broken', '/assets/broken.css']) {
        const { statuses, most } = await askBroken('us-west', path, { method })
        assert.deepEqual(statuses, [502, 502, 502], `${method} ${path}`)
        assert.ok(most <= 2, `${method} ${path} was sent ${most} times`)
      }
    for (const app of world.at('us-west').apps) app.healthy = true
    await until('us-west to have an app', async () => (await world.at('us-west').up('app')).length === 2)
  })

  test('gives a 502 while no region has a healthy app and the local one is tried anyway', async () => {
    const all = ['us-east', 'us-west', 'eu-west'].map((name) => world.at(name))
    for (const edge of all) for (const app of edge.apps) app.healthy = false
    await until('no app to be up', async () => (await all[0]!.ask('/.nearside/ready')).status === 503)
    const { statuses, most } = await askBroken('us-east', '/broken', { method: 'GET' })
    assert.deepEqual(statuses, [502, 502, 502])
    assert.ok(most <= 2)
    for (const edge of all) for (const app of edge.apps) app.healthy = true
    await until('apps to be up', async () => (await all[0]!.up('app')).length === 2)
  })

  test('gives a 502 to a GET with a chunked body', async () => {
    const agent = keepAlive()
    for (let n = 0; n < 3; n += 1) {
      const before = seen().length
      const reply = await world
        .at('us-east')
        .ask('/broken', { method: 'GET', body: [Buffer.from('a')], agent })
      assert.equal(reply.status, 502)
      assert.ok(seen().length - before <= 2)
    }
    agent.destroy()
  })
})

describe('an app that closes idle connections', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({ regions: threeRegions, primary: 'us-east', varnish: true })
  })
  after(() => world?.stop())

  /** Like many servers, only with a shorter time: Node closes after 5 s, gunicorn after 2 s. */
  const closesAfter = (idleMs: number, answer: Handler): Handler => {
    const timers = new WeakMap<Socket, NodeJS.Timeout>()
    return (request, response) => {
      const { socket } = request
      clearTimeout(timers.get(socket))
      response.once('finish', () =>
        timers.set(
          socket,
          setTimeout(() => socket.destroy(), idleMs),
        ),
      )
      return answer(request, response)
    }
  }

  test('fails no read, also when it closes one at the moment of its reuse', async () => {
    for (const app of world.at('us-east').apps)
      app.handle = closesAfter(4, (_, response) => {
        response.setHeader('cache-control', 'no-store')
        response.end('ok')
      })
    const failures: unknown[] = []
    let answered = 0
    await Promise.all(
      Array.from({ length: 16 }, async (_, client) => {
        const agent = keepAlive()
        for (let n = 0; n < 250; n += 1) {
          const path = n % 5 === 0 ? `/assets/${client}-${n}.css` : '/page'
          try {
            const { status } = await world.at('us-east').ask(path, { agent, method: reads[n % 3]! })
            if (status === 200) answered += 1
            else failures.push(status)
          } catch (error) {
            failures.push(error)
          }
          // About as long as the app waits.
          await delay(2 + ((client + n) % 5))
        }
        agent.destroy()
      }),
    )
    assert.deepEqual(failures, [])
    assert.equal(answered, 4_000)
  })
})
