import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test'
import { Prober } from '../../../src/agent/coordination/prober.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { freeNetwork } from '../../support/net.ts'
import { until } from '../../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

test('an edge is asked whether it can reach a healthy app; without one it is up, and its app is not', async () => {
  const regions = { ...twoRegions, 'eu-central': { location: { lat: 50, lon: 8 }, role: 'edge' as const } }
  const topology = topologyOf(regions, { network: { base: await freeNetwork() } })
  const [east, , , edge] = regionsOf(topology)
  let ready = 200
  const paths = new Set<string>()
  const server = createServer((request, response) => {
    paths.add(request.url!)
    response.writeHead(ready).end()
  })
  await new Promise<void>((resolve) => server.listen(topology.ports.health, edge!.address, resolve))
  const prober = new Prober(topology, east!, [edge!])
  const seen = () => prober.view()['eu-central']
  prober.start(20, 200)
  try {
    await until('the app behind the edge', () => seen()?.app?.ok === true)
    ready = 503
    await until('the edge without an app', () => seen()?.app?.ok === false)
    assert.equal(seen()?.edge?.ok, true)
    assert.deepEqual([...paths], ['/.nearside/ready'])
  } finally {
    await prober.stop()
    server.closeAllConnections()
    server.close()
  }
})

/** One region probes the witness, which has a single request, to etcd. */
describe('a probe', () => {
  let server: Server
  let prober: Prober
  let answers: ((response: ServerResponse) => void) | 'nothing'
  let asked: number
  /** Offset of the prober's clock. */
  let leapMs: number
  const seen = () => prober.view()['us-central']?.etcd

  beforeEach(async () => {
    const topology = topologyOf(twoRegions, { network: { base: await freeNetwork() } })
    const [east, , witness] = regionsOf(topology)
    answers = (response) => response.end('{}')
    asked = 0
    leapMs = 0
    server = createServer((_request, response) => {
      asked += 1
      if (answers !== 'nothing') answers(response)
    })
    await new Promise<void>((resolve) => server.listen(topology.ports.etcdClient, witness!.address, resolve))
    prober = new Prober(topology, east!, [witness!], {
      ...systemClock,
      now: () => systemClock.now() + leapMs,
    })
    prober.start(20, 100)
    await until('a first answer', () => seen()?.ok === true)
  })
  afterEach(async () => {
    prober.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('without a response in time fails since its request was sent', async () => {
    answers = 'nothing'
    await until('the failure', () => seen()?.ok === false)
    assert.ok(seen()!.forMs >= 100, `${seen()!.forMs}`)
  })

  test('that timed out because the prober was paused does not count', async () => {
    answers = 'nothing'
    const before = asked
    await until('a request in progress', () => asked > before)
    // As if this process had been paused meanwhile, so that its timeout fires before the response is read.
    leapMs += 3_000
    const held = asked
    await until('the next request', () => asked > held)
    assert.equal(seen()?.ok, true)
    // From then on timeouts count again.
    await until('the failure', () => seen()?.ok === false)
  })

  test('that is refused counts, even if the refusal comes late', async () => {
    answers = (response) => {
      leapMs += 3_000
      response.writeHead(503).end()
    }
    await until('the refusal', () => seen()?.ok === false)
  })
})

/** The other full region, with a server on each probed port. */
describe('probes of a region with app and data', () => {
  type Answers = Partial<Record<'health' | 'patroni' | 'etcdClient', number | 'nothing'>>

  async function started(t: TestContext, everyMs: number) {
    const topology = topologyOf(twoRegions, { network: { base: await freeNetwork() } })
    const [east, west] = regionsOf(topology)
    const answers: Answers = {}
    const asked: string[] = []
    const servers = (['health', 'patroni', 'etcdClient'] as const).map((port) => {
      const server = createServer(({ url }, response) => {
        asked.push(url!)
        const answer = answers[port] ?? 200
        if (answer === 'nothing') response.destroy()
        else response.writeHead(answer).end()
      })
      return {
        server,
        listens: new Promise<void>((done) => server.listen(topology.ports[port], west!.address, done)),
      }
    })
    await Promise.all(servers.map(({ listens }) => listens))
    const clock = new ManualClock()
    const prober = new Prober(topology, east!, [west!], clock)
    t.after(() => {
      prober.stop()
      for (const { server } of servers) server.close()
    })
    prober.start(everyMs, 1000)
    const view = () => prober.view()['us-west'] ?? {}
    const ok = () => Object.fromEntries(Object.entries(view()).map(([name, seen]) => [name, seen.ok]))
    const all = (wanted: boolean) =>
      Object.keys(ok()).length === 4 && Object.values(ok()).every((one) => one === wanted)
    /** Runs the clock a few times faster than real time. */
    const eventually = (what: string, holds: () => boolean) =>
      until(what, async () => {
        await clock.advance(60)
        return holds()
      })
    await eventually('a first response to each', () => all(true))
    return { answers, asked, view, ok, all, eventually }
  }

  test('one response covers edge and app: an edge that reports its app as not ready is itself up', async (t) => {
    const { answers, asked, ok, all, eventually } = await started(t, 1000)
    answers.health = 503
    await eventually('the app to fail', () => ok().app === false)
    assert.deepEqual(ok(), { edge: true, app: false, patroni: true, etcd: true })
    answers.health = 'nothing'
    await eventually('the edge to fail', () => ok().edge === false)
    assert.deepEqual(ok(), { edge: false, app: false, patroni: true, etcd: true })
    delete answers.health
    await eventually('everything to answer', () => all(true))
    assert.equal(new Set(asked).size, 3, 'three requests for four probes')
  })

  test('when one fails, the region’s other requests are sent immediately', async (t) => {
    // Each of the three requests is sent 2 s after the previous one.
    const everyMs = 6000
    const { answers, view, all, eventually } = await started(t, everyMs)
    for (const port of ['health', 'patroni', 'etcdClient'] as const) answers[port] = 'nothing'
    await eventually('all to fail', () => all(false))
    const times = Object.values(view()).map(({ forMs }) => forMs)
    assert.ok(Math.max(...times) - Math.min(...times) < everyMs / 3, times.join(', '))
  })
})
