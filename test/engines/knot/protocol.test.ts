import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, before, test } from 'node:test'
import { decode, encode } from 'dns-packet'
import { cover, netsOf } from '../../../src/geo/cover.ts'
import { knotTopology, startKnot, type TestKnot } from '../../support/knot.ts'

/** What resolvers, and broken ones, send beyond well-formed questions. Option codes and response codes are IANA's. */

const code = { ok: 0, formerr: 1, nxdomain: 3, notimp: 4, refused: 5, notauth: 9, badvers: 16, badcookie: 23 }
const clientSubnet = 8
const cookie = 10
const nsid = 3

let knot: TestKnot
let west: string
before(async () => {
  const topology = await knotTopology()
  knot = await startKnot(topology)
  west = `${topology.network.base}.2.1`
  const halves = (family: 4 | 6) => cover(family, Uint8Array.of(4, 4, 3, 2, 1), Uint32Array.of(0, 1, 0, 0, 0))
  const applied = await knot.control.apply({
    domain: topology.domain,
    nets: () => [halves(4), halves(6)].flatMap(netsOf),
    answers: [[`${topology.network.base}.1.1`], [west]],
  })
  assert.equal(applied.kind, 'applied', JSON.stringify(applied))
})
after(() => knot?.stop())

type Option = { code: number; data: Buffer }
type Query = { name?: string; type?: string; options?: Option[]; ednsVersion?: number; flags?: number }
type Answer = {
  code: number
  addresses: string[]
  option(code: number): Buffer | undefined
  question: string
}

async function query({
  name = 'shop.example.com',
  type = 'A',
  options = [],
  ednsVersion = 0,
  flags = 0,
}: Query) {
  const edns = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion, flags: 0 }
  const message = encode({
    type: 'query',
    id: 1,
    flags,
    questions: [{ type, name } as never],
    additionals: [{ ...edns, flag_do: false, options } as never],
  })
  if (flags !== 0) message.writeUInt16BE(flags, 2)
  const socket = createSocket('udp4')
  try {
    const answered = new Promise<Buffer>((resolve) => socket.once('message', resolve))
    const again = setInterval(() => socket.send(message, 5300, knot.region.address), 200)
    socket.send(message, 5300, knot.region.address)
    const reply = await answered.finally(() => clearInterval(again))
    return read(reply)
  } finally {
    socket.close()
  }
}

function read(reply: Buffer): Answer {
  const { answers = [], additionals = [], questions = [] } = decode(reply)
  const edns = additionals.find((record) => record.type === 'OPT') as
    | { extendedRcode: number; options: { code: number; data?: Buffer }[] }
    | undefined
  return {
    code: (reply[3]! & 15) | ((edns?.extendedRcode ?? 0) << 4),
    addresses: answers.flatMap((answer) => (answer.type === 'A' ? [answer.data] : [])),
    option: (wanted) => edns?.options.find((option) => option.code === wanted)?.data,
    question: questions[0]?.name ?? '',
  }
}

const option = (number: number, bytes: readonly number[]): Option => ({
  code: number,
  data: Buffer.from(bytes),
})
const subnet = (family: number, source: number, address: number[], scope = 0): Option =>
  option(clientSubnet, [0, family, source, scope, ...address])

for (const [title, sent] of [
  ['too few octets', subnet(1, 24, [17, 1])],
  ['no octets', subnet(1, 24, [])],
  ['more bits than an IPv4 address has', subnet(1, 33, [17, 1, 2, 3, 4])],
  ['more bits than an IPv6 address has', subnet(2, 129, Array(17).fill(1))],
  ['the family 0', subnet(0, 0, [])],
  ['an unknown family', subnet(3, 24, [17, 1, 2])],
  ['an option that is too short', option(clientSubnet, [0, 1, 24])],
] as const) {
  test(`client subnet with ${title}: FORMERR`, async () => {
    assert.equal((await query({ options: [sent] })).code, code.formerr)
  })
}

for (const [title, sent, echoed] of [
  ['bits set after its prefix', subnet(1, 20, [17, 1, 0xff]), '00011404110' + '1f0'],
  ['too many octets', subnet(1, 24, [17, 1, 2, 3]), '0001180411010200'],
  ['a scope', subnet(1, 24, [17, 1, 2], 16), '00011804110102'],
] as const) {
  // RFC 7871, section 6: a server SHOULD answer FORMERR. Knot takes the prefix and ignores the rest.
  test(`client subnet with ${title}: answered for its prefix, and never beyond it`, async () => {
    const answer = await query({ options: [sent] })
    assert.deepEqual([answer.code, answer.addresses], [code.ok, [west]])
    assert.equal(answer.option(clientSubnet)?.toString('hex'), echoed)
  })
}

test('many client subnets in one query: answered for one of them', async () => {
  const answer = await query({ options: Array<Option>(100).fill(subnet(1, 24, [17, 1, 2])) })
  assert.deepEqual([answer.code, answer.addresses], [code.ok, [west]])
})

test('a DNS cookie is offered, and a query with it is answered', async () => {
  const client = [1, 2, 3, 4, 5, 6, 7, 8]
  const first = await query({ options: [option(cookie, client), subnet(1, 24, [17, 1, 2])] })
  assert.equal(first.code, code.badcookie, 'the resolver asks again with the cookie')
  const offered = [...first.option(cookie)!]
  assert.deepEqual([offered.length, offered.slice(0, 8)], [24, client])
  const second = await query({ options: [option(cookie, offered), subnet(1, 24, [17, 1, 2])] })
  assert.deepEqual([second.code, second.addresses], [code.ok, [west]])
  const forged = [...offered.slice(0, 23), offered[23]! ^ 1]
  assert.equal((await query({ options: [option(cookie, forged)] })).code, code.badcookie)
  assert.equal((await query({ options: [option(cookie, [1, 2, 3])] })).code, code.formerr)
})

test('an unknown EDNS version: BADVERS, with or without a client subnet', async () => {
  assert.equal((await query({ ednsVersion: 1 })).code, code.badvers)
  assert.equal((await query({ ednsVersion: 1, options: [subnet(1, 24, [17, 1, 2])] })).code, code.badvers)
})

test('unknown options are ignored, and the server does not say which one it is', async () => {
  const answer = await query({
    options: [option(65001, [1, 2, 3]), option(nsid, []), subnet(1, 24, [17, 1, 2])],
  })
  assert.deepEqual([answer.code, answer.addresses, answer.option(nsid)], [code.ok, [west], undefined])
})

test('the question comes back in the case in which it was asked', async () => {
  const name = 'sHoP.ExaMPLe.cOm'
  const answer = await query({ name, options: [subnet(1, 24, [17, 1, 2])] })
  assert.deepEqual([answer.question, answer.addresses], [name, [west]])
})

test('a name below the domain does not exist, for everyone', async () => {
  for (const name of ['x.shop.example.com', 'x.ns1.shop.example.com']) {
    const answer = await query({ name, options: [subnet(1, 24, [17, 1, 2])] })
    assert.equal(answer.code, code.nxdomain)
    assert.equal(answer.option(clientSubnet)?.[3], 0, 'scope')
  }
})

test('a transfer by UDP, a notification and an update are refused', async () => {
  assert.equal((await query({ type: 'AXFR' })).code, code.notimp)
  assert.equal((await query({ type: 'SOA', flags: 4 << 11 })).code, code.notauth)
  assert.equal((await query({ type: 'SOA', flags: 5 << 11 })).code, code.notauth)
})
