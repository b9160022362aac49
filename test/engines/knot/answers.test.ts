import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Cover, cover, netsOf, prefixAt, uniformCover } from '../../../src/geo/cover.ts'
import { formatPrefix } from '../../../src/geo/prefix.ts'
import { knotTopology, startKnot, type TestKnot } from '../../support/knot.ts'
import { until } from '../../support/sandboxed.ts'

/** 16 IPv4 and 8 IPv6 nets that alternate between east and west. */
const covers: [Cover, Cover] = [
  cover(
    4,
    new Uint8Array(16).fill(4),
    Uint32Array.from({ length: 16 }, (_, index) => index % 2),
  ),
  cover(
    6,
    new Uint8Array(8).fill(3),
    Uint32Array.from({ length: 8 }, (_, index) => index % 2),
  ),
]

let knot: TestKnot
let east: string
let west: string
before(async () => {
  const topology = await knotTopology()
  knot = await startKnot(topology)
  east = `${topology.network.base}.1.1`
  west = `${topology.network.base}.2.1`
  const applied = await knot.control.apply({
    domain: topology.domain,
    nets: () => covers.flatMap(netsOf),
    answers: [[east], [west]],
  })
  assert.equal(applied.kind, 'applied', JSON.stringify(applied))
})
after(() => knot?.stop())

test('the scope of an answer is exactly its net', async () => {
  for (const part of covers) {
    // The first net has the answer for clients that disclose nothing, see below.
    for (let index = 1; index < part.lengths.length; index++) {
      const net = formatPrefix(prefixAt(part, index))
      const expected = `${index % 2 ? west : east} /${part.lengths[index]}`
      assert.equal(await knot.answer(net), expected, net)
    }
  }
  assert.equal(await knot.answer('17.1.2.0/24'), `${west} /4`)
  assert.equal(await knot.answer('2001:db8:1::/48'), `${west} /3`)
})

test('a client subnet that is shorter than the net is answered by its first address', async () => {
  assert.equal(await knot.answer('32.0.0.0/3'), `${east} /4`)
})

test('a client subnet of no bits gets the answer of the first address, with scope 0; nobody else does', async () => {
  assert.equal(await knot.answer('0.0.0.0/0'), `${east} /0`)
  assert.equal(await knot.answer('::/0'), `${east} /0`)
  assert.equal(await knot.answer('0.0.1.0/24'), `${east} /24`)
  assert.equal(await knot.answer('8.8.8.0/24'), `${east} /5`)
  assert.equal(await knot.answer('2002:101:101::/48'), `${west} /3`)
})

test('without a client subnet the resolver’s own address counts, and the answer has no scope', async () => {
  const reply = await knot.ask()
  assert.deepEqual(
    reply?.records.map(({ data }) => data),
    [west],
    '127.0.0.0/8 is in the eighth net',
  )
  assert.equal(reply?.scope, undefined)
})

test('answers have the TTL of the topology', async () => {
  const reply = await knot.ask({ subnet: '9.9.9.0/24' })
  assert.deepEqual(
    reply?.records.map(({ ttlSeconds }) => ttlSeconds),
    [knot.topology.steering.ttlSeconds],
  )
})

test('other record types get an empty answer; NS and SOA are answered', async () => {
  for (const type of ['AAAA', 'TXT'] as const) {
    const reply = await knot.ask({ type, subnet: '17.1.2.0/24' })
    assert.deepEqual([reply?.code, reply?.records, reply?.scope], [0, [], 0], type)
  }
  assert.equal((await knot.ask({ type: 'NS' }))?.records.length, 2)
  assert.equal((await knot.ask({ type: 'SOA' }))?.records.length, 1)
  assert.deepEqual(
    (await knot.ask({ name: 'ns2.shop.example.com' }))?.records.map(({ data }) => data),
    [west],
  )
  const any = await knot.ask({ type: 'ANY', subnet: '17.1.2.0/24' })
  assert.equal(any?.scope, 0)
  assert.deepEqual(any?.records.map(({ data }) => data).sort(), [east, west].sort(), 'the same for everyone')
})

test('names that do not exist get NXDOMAIN; other zones and transfers are refused', async () => {
  assert.equal((await knot.ask({ name: 'nothing.shop.example.com' }))?.code, 3)
  assert.equal((await knot.ask({ name: 'www.example.com' }))?.code, 5)
  assert.equal((await knot.ask({ name: 'com' }))?.code, 5)
  const { address } = knot.region
  const transfer = await knot.run(['kdig', `@${address}`, '-p', '5300', 'shop.example.com', 'AXFR'])
  assert.match(transfer.output, /NOTAUTH/)
  const version = await knot.run(['kdig', `@${address}`, '-p', '5300', 'version.bind', 'CH', 'TXT'])
  assert.match(version.output, /REFUSED/)
})

test('TCP gives the same answers as UDP, for any case of the name', async () => {
  const { address } = knot.region
  const command = [
    'kdig',
    `@${address}`,
    '-p',
    '5300',
    '+tcp',
    '+subnet=17.1.2.0/24',
    'SHOP.Example.COM',
    'A',
  ]
  const { code, output } = await knot.run(command)
  assert.equal(code, 0)
  assert.match(output, new RegExp(`SHOP\\.Example\\.COM\\..*${west.replaceAll('.', '\\.')}`))
  assert.match(output, /CLIENT-SUBNET: 17\.1\.2\.0\/24\/4/)
})

test('malformed packets over UDP and TCP do no harm', async () => {
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  const { address } = knot.region
  const packets = fc.sample(fc.uint8Array({ maxLength: 512 }), { numRuns: 300, seed: 7 })
  // A header that declares more than there is, a name that points to itself, an option that is too short.
  const broken = [
    '000100000001000000000001',
    '0001000000010000000000000000',
    '000100000001000000000000c00c00010001',
    '00010000000100000000000100000100010000290000000000000006000800020001',
    '000100000001000000000001000001000100002900000000000000080008000400018080',
  ].map((hex) => Buffer.from(hex, 'hex'))
  for (const packet of [...broken, ...packets]) {
    await new Promise((resolve) => socket.send(packet, 5300, address, resolve))
  }
  socket.close()
  await new Promise<void>((resolve) => {
    const stream = connect(5300, address, () => stream.end(Buffer.from('ffff00', 'hex')))
    stream.on('error', () => {})
    stream.on('close', () => resolve())
    stream.resume()
  })
  assert.equal(await knot.answer('9.9.9.0/24'), `${east} /5`)
  assert.ok(!knot.hasExited())
})

test('one answer for everyone still has a scope, so resolvers do not cache it for all clients', async () => {
  const { domain } = knot.topology
  const everyone = [uniformCover(4, 0), uniformCover(6, 0)].flatMap(netsOf)
  await knot.control.apply({ domain, nets: () => everyone, answers: [[west]] })
  assert.equal(await knot.answer('9.9.9.0/24'), `${west} /5`)
  assert.equal(await knot.answer('2600::/24'), `${west} /3`)
  assert.equal(await knot.answer('209.9.9.0/24'), `${west} /1`)
  await until('the old map', async () => {
    await knot.control.apply({ domain, nets: () => covers.flatMap(netsOf), answers: [[east], [west]] })
    return (await knot.answer('9.9.9.0/24')) === `${east} /5`
  })
})

test('queries are counted by result', async () => {
  const names = ['mod-stats.server-operation[query]', 'mod-stats.response-code[REFUSED]', 'mod-rrl.slipped']
  const counters = async () => {
    const { output } = await knot.run(['knotc', '-s', '/run/nearside/knot.sock', 'stats'])
    const lines = output.split('\n').map((line) => line.split(' = '))
    // Counters that are 0 are omitted.
    return names.map((name) => Number(lines.find(([counter]) => counter === name)?.[1] ?? 0))
  }
  const before = await counters()
  await knot.ask()
  await knot.ask({ name: 'com' })
  assert.deepEqual(await counters(), [before[0]! + 2, before[1]! + 1, 0])
})

test('unusual names can be the domain', async () => {
  const names = [
    'example.org',
    '9to5.example.co.uk',
    'a-b.1.example',
    `${'x'.repeat(63)}.example`,
    'xn--bcher-kva.example',
  ]
  for (const domain of names) {
    const other = await startKnot(await knotTopology({ domain }))
    try {
      const applied = await other.control.apply({
        domain,
        nets: () => covers.flatMap(netsOf),
        answers: [['10.0.0.1'], ['10.0.0.2']],
      })
      assert.equal(applied.kind, 'applied', JSON.stringify(applied))
      assert.equal(await other.answer('17.0.0.0/8'), '10.0.0.2 /4')
    } finally {
      await other.stop()
    }
  }
})
