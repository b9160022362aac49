import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import {
  parseBypassed,
  parseServed,
  parseTrafficLine,
  type TrafficSample,
} from '../../../src/engines/haproxy/traffic.ts'
import { type EdgeWorld, startEdges } from '../../support/edge.ts'
import { until } from '../../support/sandboxed.ts'
import { withEdge } from '../../support/topologies.ts'

describe('parsing a line of the traffic log', () => {
  test('gives the receiving and serving region, the reason, and the timing', () => {
    assert.deepEqual(parseTrafficLine('nearside1 - us-west us-east write 201 1 0 32 40 75 -\n', true), {
      weight: 1,
      edge: 'us-west',
      served: 'us-east',
      why: 'write',
      write: true,
      status: 201,
      firstByteMs: 73,
      totalMs: 75,
      cache: undefined,
    })
  })

  test('gives the reason: local, spill, edge, write, hold, cache', () => {
    const why = (served: string, group: string, full: boolean) =>
      parseTrafficLine(`nearside1 16 a ${served} ${group} 200 0 0 0 1 1 -`, full)?.why
    assert.equal(why('a', '-', true), 'local')
    assert.equal(why('b', '-', true), 'spill')
    assert.equal(why('b', '-', false), 'edge')
    assert.equal(why('a', 'write', true), 'write')
    assert.equal(why('b', 'hold', true), 'hold')
    assert.equal(why('a', 'cache', false), 'cache')
    assert.equal(why('-', '-', true), undefined)
  })

  test('recognises a request that no region served', () => {
    const sample = parseTrafficLine('nearside1 - a - write 503 0 -1 -1 -1 15003 -', true)
    assert.equal(sample?.served, undefined)
    assert.equal(sample?.firstByteMs, undefined)
    assert.equal(sample?.totalMs, 15_003)
  })

  test('rejects anything else', () => {
    const good = 'nearside1 - us-west us-east write 201 1 0 32 40 75 -'
    for (const bad of [
      '',
      'nearside2 - us-west us-east write 201 1 0 32 40 75 -',
      `${good} more`,
      `x${good}`,
      `${good}\n${good}`,
      good.replace('us-west', 'us_west'),
      good.replace('us-east', '"} 1\nfake'),
      good.replace('201', '1e9'),
      good.replace('write', 'constructor'),
      good.replace('75', '99999999999'),
      'a'.repeat(60_000),
      '-'.repeat(60_000),
    ])
      assert.equal(parseTrafficLine(bad, true), undefined, bad.slice(0, 80))
  })

  test('gives only valid region names, for any input', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        const sample = parseTrafficLine(`nearside1 - ${text}`, true)
        assert.ok(sample === undefined || /^[a-z0-9-]+$/.test(sample.edge))
      }),
    )
  })
})

test('counts of the same region and reason are added up, and other keys are ignored', () => {
  const table = [
    '# table: served, type: string, size:1024, used:5',
    '0x7fb4d57cdb08: key=us-west\\ cache use=0 exp=0 shard=0 gpc0=14',
    '0x7fb4d57cda08: key=us-west\\  use=0 exp=0 shard=0 gpc0=5',
    '0x7fb4d57cda09: key=us-west use=0 exp=0 shard=0 gpc0=2',
    '0x7fb4d57cda10: key=us-east\\ write use=0 exp=0 shard=0 gpc0=7',
    '0x7fb4d57cda11: key=us-east\\ other use=0 exp=0 shard=0 gpc0=9',
    '',
  ].join('\n')
  assert.deepEqual(parseServed(table, { region: 'us-west', full: true }), [
    { region: 'us-west', why: 'cache', requests: 14 },
    { region: 'us-west', why: 'local', requests: 7 },
    { region: 'us-east', why: 'write', requests: 7 },
  ])
})

test('requests that were sent past Varnish are counted apart, and served by no region', () => {
  const table = [
    '# table: served, type: string, size:1024, used:3',
    '0x7fb4d57cda10: key=us-west use=0 exp=0 shard=0 gpc0=7',
    '0x7fb4d57cda11: key=-unstorable use=0 exp=0 shard=0 gpc0=5',
    '0x7fb4d57cda12: key=-no-thread use=0 exp=0 shard=0 gpc0=2',
    '',
  ].join('\n')
  assert.deepEqual(parseBypassed(table), { unstorable: 5, noThread: 2 })
  assert.deepEqual(parseBypassed(''), { unstorable: 0, noThread: 0 })
  assert.deepEqual(parseServed(table, { region: 'us-west', full: true }), [
    { region: 'us-west', why: 'local', requests: 7 },
  ])
})

// Sockets on the agents' addresses stand in for the agents.
describe('the traffic log and counters of HAProxy', () => {
  let world: EdgeWorld
  const agents = new Map<string, Socket>()
  const samples = new Map<string, TrafficSample[]>()
  const unread: string[] = []
  before(async () => {
    world = await startEdges({
      regions: withEdge,
      primary: 'us-east',
      varnish: true,
      changes: { database: { holdSeconds: 20 } },
    })
    for (const name of ['us-east', 'us-west', 'sa-east']) {
      const { region } = world.at(name)
      const list: TrafficSample[] = []
      samples.set(name, list)
      const socket = createSocket('udp4')
      socket.on('message', (message) => {
        const sample = parseTrafficLine(message.toString('latin1'), region.full)
        if (sample) list.push(sample)
        else unread.push(message.toString('latin1'))
      })
      await new Promise<void>((resolve) => socket.bind(world.topology.ports.agent, region.address, resolve))
      agents.set(name, socket)
    }
  })
  after(async () => {
    for (const socket of agents.values()) socket.close()
    await world?.stop()
  })

  const next = async (edge: string, act: () => Promise<unknown>) => {
    const list = samples.get(edge)!
    const before = list.length
    await act()
    await until('a line', () => list.length > before)
    return list[before]!
  }

  test('have one line per request, and exact counts', async () => {
    const east = world.at('us-east')
    const west = world.at('us-west')
    const ask = (edge: string, path = '/', method = 'GET') =>
      next(edge, () => world.at(edge).ask(path, { method }))

    const local = await ask('us-west')
    assert.deepEqual(
      [local.edge, local.served, local.why, local.status],
      ['us-west', 'us-west', 'local', 200],
    )
    assert.ok(local.firstByteMs !== undefined && local.firstByteMs <= local.totalMs)
    assert.deepEqual([local.write, local.cache], [false, undefined])

    const write = await ask('us-west', '/orders', 'POST')
    assert.deepEqual([write.served, write.why, write.write], ['us-east', 'write', true])

    const edge = await ask('sa-east')
    assert.deepEqual([edge.served, edge.why], ['us-east', 'edge'])

    assert.deepEqual(
      [(await ask('us-west', '/assets/a.js')).cache, (await ask('us-west', '/assets/a.js')).cache],
      ['miss', 'hit'],
    )

    await world.setPrimary(undefined)
    const held = await next('us-west', async () => {
      const reply = west.ask('/orders', { method: 'POST' })
      await until('the write to be held', async () => (await west.control.holding()) === 1)
      await world.setPrimary('us-east')
      await reply
    })
    assert.deepEqual([held.served, held.why, held.write, held.status], ['us-east', 'hold', true, 200])

    for (const app of west.apps) await app.stop()
    const spilled = await ask('us-west')
    assert.deepEqual([spilled.served, spilled.why], ['us-east', 'spill'])

    assert.deepEqual(unread, [])
    const counts = new Map(
      (await west.control.served({ region: 'us-west', full: true })).map((count) => [
        `${count.region} ${count.why}`,
        count.requests,
      ]),
    )
    assert.deepEqual(Object.fromEntries(counts), {
      'us-west local': 2,
      'us-east write': 1,
      'us-west cache': 1,
      'us-east hold': 1,
      'us-east spill': 1,
    })
    assert.deepEqual(await east.control.served({ region: 'us-east', full: true }), [])
  })

  test('contain no text from a client or an app', async () => {
    const hostile = {
      'nearside-region': 'x',
      'cache-status': 'x',
      'nearside-cache': 'fake',
      'user-agent': '" 1\r 2',
    }
    for (const app of world.at('us-east').apps)
      app.handle = (_, response) => {
        response.setHeader('nearside-region', 'mars 1 2 3')
        response.setHeader('nearside-cache', 'hit 1 2 3')
        response.end()
      }
    for (const path of ['/', '/assets/hostile.js']) {
      const sample = await next('us-east', () =>
        world.at('us-east').ask(path, { headers: { ...hostile, 'user-agent': 'x y' } }),
      )
      assert.equal(sample.served, 'us-east')
    }
    assert.deepEqual(unread, [])
  })

  test('have one line per sixteen requests under load, and the counts stay exact', async () => {
    const list = samples.get('us-east')!
    const start = list.length
    const total = 1_600
    const counted = async () =>
      (await world.at('us-east').control.served({ region: 'us-east', full: true })).find(
        ({ why }) => why === 'local',
      )?.requests ?? 0
    const before = await counted()
    for (let n = 0; n < total; n += 50)
      await Promise.all(Array.from({ length: 50 }, () => world.at('us-east').ask('/')))
    assert.equal(await counted(), before + total)
    await until('the last line', () => list.length > start)
    const lines = list.slice(start)
    assert.ok(lines.length < total / 2, `${lines.length} lines`)
    assert.ok(lines.some((line) => line.weight === 16))
  })
})
