import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDropped } from '../../bench/dns/dropped.ts'
import { parseDnsperf } from '../../bench/dns/load.ts'
import { networkIn, renderQueries } from '../../bench/dns/queries.ts'
import { contains, parsePrefix } from '../../src/geo/prefix.ts'
import { seeded } from '../../src/lab/users/plan/random.ts'

const net = (text: string) => ({ ...parsePrefix(text)!, value: 0 })

test('a user’s network is inside the given one and has the length that resolvers send', () => {
  const random = seeded(1, 'test')
  for (const text of [
    '0.0.0.0/1',
    '10.0.0.0/8',
    '192.0.2.0/24',
    '2000::/3',
    '2001:db8::/40',
    '2001:db8:1::/48',
  ])
    for (let time = 0; time < 50; time += 1) {
      const found = networkIn(net(text), random)
      assert.equal(found.length, found.family === 4 ? 24 : 56)
      assert.ok(contains(net(text), found), `${JSON.stringify(found)} in ${text}`)
      assert.equal((found.low & 0xff) >>> 0, 0)
    }
})

test('queries are determined by the seed, each prefixed by its length', () => {
  const nets = [net('10.0.0.0/8'), net('2001:db8::/32')]
  const make = (seed: number) => renderQueries('shop.example.com', nets, 20, seeded(seed, 'queries'))
  assert.deepEqual(make(1), make(1))
  assert.notDeepEqual(make(1), make(2))
  const bytes = make(1)
  let count = 0
  for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) count += 1
  assert.equal(count, 20)
})

const said = (codes: string) => `DNS Performance Testing Tool
Statistics:

  Queries sent:         20934
  Queries completed:    20930 (99.98%)
  Queries lost:         4 (0.02%)

  Response codes:       ${codes}
  Average packet size:  request 56, response 72
  Run time (s):         4.186
  Queries per second:   4999.522217

  Average Latency (s):  0.000051 (min 0.000015, max 0.010112)
  Latency StdDev (s):   0.000112
`

test('the output of dnsperf is parsed, and a refusal is not an answer', () => {
  assert.deepEqual(parseDnsperf(said('NOERROR 20930 (100.00%)')), {
    ...{ sent: 20934, lost: 4, perSecond: 4999.522217 },
    slowestMs: 10.112,
  })
  assert.throws(
    () => parseDnsperf(said('NOERROR 20000 (95.56%), REFUSED 930 (4.44%)')),
    /some queries failed/,
  )
  assert.throws(() => parseDnsperf(''), /some queries failed/)
})

test('drops of a server are those of all of its sockets and no others', () => {
  const text = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  123: 0101B87F:14B4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1001 2 0000000000000000 644
  123: 0101B87F:14B4 00000000:0000 07 00000000:00034000 00:00000000 00000000     0        0 1002 2 0000000000000000 20
  124: 0101B87F:14B5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1003 2 0000000000000000 7
  125: 0100007F:E1D2 0101B87F:14B4 01 00000000:00000000 00:00000000 00000000     0        0 1004 2 0000000000000000 9
`
  assert.equal(parseDropped(text, { address: '127.184.1.1', port: 5300 }), 664)
  assert.equal(parseDropped(text, { address: '127.184.1.2', port: 5300 }), 0)
})
