import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { OldSessions } from '../../../src/agent/traffic/old-sessions.ts'
import { TrafficMonitor } from '../../../src/agent/traffic/traffic.ts'
import { varnishWorkFolder } from '../../../src/engines/varnish/layout.ts'
import { logger } from '../../../src/lib/log.ts'
import { type EdgeRegion, type EdgeWorld, keepAlive, startEdges } from '../../support/edge.ts'
import { sandboxRunner } from '../../support/knot.ts'
import { until } from '../../support/sandboxed.ts'
import { contextFor, twoRegions } from '../../support/topologies.ts'

const edges = ['us-east', 'us-west'] as const

/** Changes the files of both engines in every region: HAProxy's configuration with its Lua, and Varnish's VCL. */
const changed = { app: { timeoutSeconds: 61, maxBody: '1kb' }, database: { holdSeconds: 25 } }

const webSocket =
  'GET /socket HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

describe('a changed topology that HAProxy and Varnish reload', () => {
  let world: EdgeWorld
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { database: { holdSeconds: 20 } },
    })
    for (const name of edges)
      for (const app of world.at(name).apps) {
        app.handle = answer
        app.upgrade = (_, socket) => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
          )
          socket.pipe(socket)
        }
      }
  })
  after(() => world?.stop())

  /** Downloads that continue until their test finishes them. */
  let finishDownloads: (() => void)[] = []
  function answer(request: IncomingMessage, response: ServerResponse) {
    if (request.url === '/download') {
      response.write('first;')
      finishDownloads.push(() => response.end('last'))
      return
    }
    if (request.url?.startsWith('/learned')) response.setHeader('cache-control', 'max-age=600')
    request.resume()
    request.once('end', () => response.end(`body of ${request.url}`))
  }

  const database = (edge: EdgeRegion) => edge.raw('', world.topology.ports.databaseWrite)

  const rollOut = async (edge: EdgeRegion) => {
    assert.equal(await edge.haproxy.reload(), undefined)
    assert.equal(await edge.varnish.reload(), undefined)
  }

  const held = async () =>
    (await Promise.all(edges.map((name) => world.at(name).control.holding()))).reduce((a, b) => a + b)

  test('no request fails, cached objects stay hits, and open connections stay open', async () => {
    const pids = edges.map((name) => world.at(name).haproxy.running().pid)
    const workers = await Promise.all(edges.map((name) => world.at(name).control.workerPid()))
    const isHit = async (edge: EdgeRegion, path: string) =>
      String((await edge.ask(path)).headers['cache-status']).includes('; hit')
    // No stream asks for these: it would have them cached again.
    const cached = ['/assets/quiet.js', '/learned/quiet']
    for (const name of edges)
      for (const path of cached)
        await until(`${path} to be cached in ${name}`, () => isHit(world.at(name), path))

    const outcomes = new Map<string, number>()
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    let stop = false
    const stream = async (edge: EdgeRegion, path: string, method: string, kept: boolean) => {
      const agent = kept && keepAlive()
      while (!stop)
        await edge.ask(path, { method, agent }).then(
          ({ status }) => count(String(status)),
          (error) => count(String(error)),
        )
      if (agent) agent.destroy()
    }
    const streams = edges.flatMap((name) =>
      [true, false].flatMap((kept) => [
        ...Array.from({ length: 3 }, () => stream(world.at(name), '/page', 'GET', kept)),
        ...Array.from({ length: 3 }, () => stream(world.at(name), '/order', 'POST', kept)),
        stream(world.at(name), '/assets/a.js', 'GET', kept),
        stream(world.at(name), '/learned', 'GET', kept),
      ]),
    )
    const flowing = async () => {
      const before = [...outcomes.values()].reduce((a, b) => a + b, 0)
      await until('requests', () => [...outcomes.values()].reduce((a, b) => a + b) > before + 300)
    }
    const sockets = edges.map((name) => world.at(name).raw(webSocket))
    const downloads = edges.map((name) => world.at(name).ask('/download'))
    const sessions = edges.map((name) => database(world.at(name)))
    for (const socket of sockets) await socket.wait('the switch', (text) => text.includes('\r\n\r\n'))
    for (const session of sessions) await session.wait('a name', (text) => text === 'us-east\n')
    await until('the downloads to begin', () => finishDownloads.length === edges.length)
    try {
      await flowing()
      world.write(changed)
      for (const name of edges) {
        await rollOut(world.at(name))
        for (const path of cached) assert.ok(await isHit(world.at(name), path), `${path} in ${name}`)
        await flowing()
      }
      // Both engines use their new files.
      for (const name of edges)
        assert.equal((await world.at(name).ask('/', { method: 'POST', body: 'x'.repeat(2_000) })).status, 413)
      // Reload once more, so that sessions are in the old worker of an old worker.
      world.write({ database: { holdSeconds: 20 } })
      for (const name of edges) await rollOut(world.at(name))
      await flowing()
    } finally {
      stop = true
    }
    await Promise.all(streams)
    assert.deepEqual([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]))
    assert.deepEqual(
      edges.map((name) => world.at(name).haproxy.running().pid),
      pids,
    )
    for (const [i, name] of edges.entries())
      assert.notEqual(await world.at(name).control.workerPid(), workers[i])

    for (const finish of finishDownloads) finish()
    finishDownloads = []
    for (const download of downloads) assert.equal((await download).body, 'first;last')
    for (const one of [...sockets, ...sessions]) {
      one.socket.write('still here')
      await one.wait('an echo', (text) => text.endsWith('still here'))
      one.close()
    }
  })

  test('writes and database connections that wait for a primary keep waiting in the new worker', async () => {
    await world.setPrimary(undefined)
    const writes = Array.from({ length: 20 }, (_, n) =>
      world.at(edges[n % 2]!).ask('/held', { method: 'POST' }),
    )
    await until('all to be held', async () => (await held()) === writes.length)
    const sessions = edges.map((name) => database(world.at(name)))
    for (const session of sessions) session.socket.write('hello\n')
    await until('the connections to be taken', async () =>
      (await world.at('us-west').control.stats()).some(
        (row) => row.proxy === 'database-primary' && row.current === 1,
      ),
    )
    world.write(changed)
    for (const name of edges) await rollOut(world.at(name))
    await until('all to be held in the new workers', async () => (await held()) === writes.length)
    await world.setPrimary('us-west')
    for (const reply of await Promise.all(writes)) {
      assert.equal(reply.status, 200)
      assert.equal(reply.headers['nearside-region'], 'us-west')
      assert.ok(Number(reply.headers['nearside-held']) > 0)
    }
    for (const session of sessions) {
      await session.wait('the primary', (text) => text === 'us-west\nhello\n')
      session.close()
    }
    await world.setPrimary('us-east')
  })

  test('request counts continue, although a new worker counts from zero', async () => {
    const edge = world.at('us-east')
    const monitor = new TrafficMonitor(contextFor(world.topology, 'us-east', edge.folder), () => undefined)
    await monitor.read()
    const before = monitor.totals.received
    // More requests after the reload than before it, so the count alone does not show the restart at zero.
    for (const requests of [2, 5]) {
      for (let n = 0; n < requests; n++) assert.equal((await edge.ask('/page')).status, 200)
      await monitor.read()
      await rollOut(edge)
    }
    assert.equal(monitor.totals.received, before + 7)
  })

  test('files that an engine refuses change nothing, and the error is reported', async () => {
    const edge = world.at('us-west')
    for (const file of ['haproxy/haproxy.cfg', 'varnish/cdn.vcl'])
      appendFileSync(join(edge.folder, 'etc', file), '\nnonsense\n')
    assert.match((await edge.haproxy.reload())!, /nonsense/)
    assert.match((await edge.varnish.reload())!, /nonsense/)
    for (const path of ['/page', '/assets/a.js']) assert.equal((await edge.ask(path)).status, 200)
    world.write(changed)
    await rollOut(edge)
  })

  test('VCL that Varnish no longer uses is discarded', async () => {
    const { folder, varnish } = world.at('us-east')
    for (let n = 0; n < 3; n++) assert.equal(await varnish.reload(), undefined)
    const list = ['/usr/bin/varnishadm', '-n', varnishWorkFolder, 'vcl.list']
    const { output } = await sandboxRunner(folder)(list)
    const rules = [...output.matchAll(/^(active|available) .* (boot|reload)\S*$/gm)]
    assert.deepEqual(
      rules.map(([, state, name]) => [state, name]),
      [
        ['available', 'boot'],
        ['active', 'reload'],
      ],
      output,
    )
  })

  test('when the primary has moved, old workers’ sessions with the former one are closed', async () => {
    const edge = world.at('us-west')
    const [old, other] = [database(edge), world.at('us-east').raw('', world.topology.ports.databaseWrite)]
    for (const session of [old, other]) await session.wait('a name', (text) => text === 'us-east\n')
    await rollOut(edge)
    await world.setPrimary('us-west')
    // The new worker closes its own sessions; the old one no longer checks which database is the primary.
    assert.equal(old.socket.destroyed, false)
    await other.closed()
    const agent = new OldSessions(logger({}), edge.control)
    await agent.follow('us-west', 'us-west')
    assert.equal(old.socket.destroyed, false)
    await agent.follow('us-west', 'us-east')
    await old.closed()
    await world.setPrimary('us-east')
  })
})
