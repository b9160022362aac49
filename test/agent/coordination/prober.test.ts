import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test'
import { Prober } from '../../../src/agent/coordination/prober.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import { freeNetwork } from '../../support/net.ts'
import { until } from '../../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

/** One region asks another, the witness: it has one question, to etcd. */
describe('a probe', () => {
  let server: Server
  let prober: Prober
  let answers: ((response: ServerResponse) => void) | 'nothing'
  let asked: number
  /** Added to the clock that the prober reads. */
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
    prober = new Prober(topology, east!, [witness!], () => performance.now() + leapMs)
    prober.start(20, 100)
    await until('a first answer', () => seen()?.ok === true)
  })
  afterEach(async () => {
    prober.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('without an answer in time says that the region is silent, since it was asked', async () => {
    answers = 'nothing'
    await until('the silence', () => seen()?.ok === false)
    assert.ok(seen()!.forMs >= 100, `${seen()!.forMs}`)
  })

  test('whose time ran out because we were held up says nothing about who was asked', async () => {
    answers = 'nothing'
    const before = asked
    await until('a question under way', () => asked > before)
    // As if this process had been paused meanwhile: it wakes, and its time limit comes before the answer.
    leapMs += 3_000
    const held = asked
    await until('the next question', () => asked > held)
    assert.equal(seen()?.ok, true)
    // From then on it is silence again.
    await until('the silence', () => seen()?.ok === false)
  })

  test('that is refused counts however late it is', async () => {
    answers = (response) => {
      leapMs += 3_000
      response.writeHead(503).end()
    }
    await until('the refusal', () => seen()?.ok === false)
  })
})

/** The other full region, with a server on each port that is asked. */
describe('probes of a region with app and data', () => {
  type Answers = Partial<Record<'region' | 'patroni' | 'etcdClient', number | 'nothing'>>

  async function started(t: TestContext, everyMs: number) {
    const topology = topologyOf(twoRegions, { network: { base: await freeNetwork() } })
    const [east, west] = regionsOf(topology)
    const answers: Answers = {}
    const asked: string[] = []
    const servers = (['region', 'patroni', 'etcdClient'] as const).map((port) => {
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
    const prober = new Prober(topology, east!, [west!], () => performance.now())
    t.after(() => {
      prober.stop()
      for (const { server } of servers) server.close()
    })
    prober.start(everyMs, 1000)
    const view = () => prober.view()['us-west'] ?? {}
    const ok = () => Object.fromEntries(Object.entries(view()).map(([name, seen]) => [name, seen.ok]))
    const all = (wanted: boolean) =>
      Object.keys(ok()).length === 4 && Object.values(ok()).every((one) => one === wanted)
    await until('a first answer to each', () => all(true))
    return { answers, asked, view, ok, all }
  }

  test('one answer tells of edge and app: an edge that says that its app is not ready is alive', async (t) => {
    const { answers, asked, ok, all } = await started(t, 20)
    answers.region = 503
    await until('the app to be missed', () => ok().app === false)
    assert.deepEqual(ok(), { edge: true, app: false, patroni: true, etcd: true })
    answers.region = 'nothing'
    await until('the edge to be missed', () => ok().edge === false)
    assert.deepEqual(ok(), { edge: false, app: false, patroni: true, etcd: true })
    delete answers.region
    await until('everything to answer', () => all(true))
    assert.equal(new Set(asked).size, 3, 'three questions for four answers')
  })

  test('when one misses its answer the others are asked at once, not at their own time', async (t) => {
    // Each of the three questions has its turn 2 s after the one before.
    const everyMs = 6000
    const { answers, view, all } = await started(t, everyMs)
    for (const port of ['region', 'patroni', 'etcdClient'] as const) answers[port] = 'nothing'
    await until('all to be missed', () => all(false))
    const times = Object.values(view()).map(({ forMs }) => forMs)
    assert.ok(Math.max(...times) - Math.min(...times) < everyMs / 3, times.join(', '))
  })
})
