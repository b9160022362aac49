import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Prober } from '../../src/agent/prober.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { freeNetwork } from '../support/net.ts'
import { until } from '../support/sandboxed.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

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

describe('several probes of one region', () => {
  test('when one misses its answer the others are asked at once, not at their own time', async (t) => {
    const topology = topologyOf(twoRegions, { network: { base: await freeNetwork() } })
    const [east, west] = regionsOf(topology)
    let status = 200
    const { region, patroni, etcdClient } = topology.ports
    const servers = [region, patroni, etcdClient].map((port) => {
      const server = createServer((_request, response) => response.writeHead(status).end())
      return { server, listens: new Promise<void>((done) => server.listen(port, west!.address, done)) }
    })
    await Promise.all(servers.map(({ listens }) => listens))
    // Each of the four questions has its turn 2 s after the one before.
    const everyMs = 8000
    const prober = new Prober(topology, east!, [west!], () => performance.now())
    t.after(() => {
      prober.stop()
      for (const { server } of servers) server.close()
    })
    prober.start(everyMs, 1000)
    const seen = () => Object.values(prober.view()['us-west'] ?? {})
    const all = (ok: boolean) => seen().length === 4 && seen().every((one) => one.ok === ok)
    await until('a first answer to each', () => all(true))
    status = 503
    await until('all to be missed', () => all(false))
    const times = seen().map(({ forMs }) => forMs)
    assert.ok(Math.max(...times) - Math.min(...times) < everyMs / 4, times.join(', '))
  })
})
