import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startFailure } from '../../../src/lab/wan/failure.ts'
import { linkLine, parseLink, parseStats, parseTotals, placeLine } from '../../../src/lab/wan/protocol.ts'
import { NearsideError } from '../../../src/lib/errors.ts'

const code = (expected: string) => (error: unknown) =>
  error instanceof NearsideError && error.code === expected
const params = { delayMs: 0, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }

test('a link’s line round-trips, to the microsecond and the billionth', () => {
  const whole = (max: number) => fc.integer({ min: 0, max })
  const plain = { noNullPrototype: true }
  const link = fc.record(
    {
      from: fc.stringMatching(/^[\w.:-]{1,63}$/),
      to: fc.constant('city:17'),
      params: fc.record(
        {
          delayMs: whole(60_000_000).map((us) => us / 1000),
          jitterMs: whole(60_000_000).map((us) => us / 1000),
          lossShare: whole(1e9).map((ppb) => ppb / 1e9),
          rateBitsPerSecond: whole(1e9),
          cut: fc.boolean(),
        },
        plain,
      ),
    },
    plain,
  )
  fc.assert(fc.property(link, (one) => assert.deepEqual(parseLink(linkLine(one)), one)))
})

test('parameters out of range are refused before the shaper is asked', () => {
  const bad = [{ delayMs: -1 }, { delayMs: 60_001 }, { jitterMs: Number.NaN }, { lossShare: 1.01 }]
  for (const one of [...bad, { rateBitsPerSecond: Number.POSITIVE_INFINITY }])
    assert.throws(
      () => linkLine({ from: 'a', to: 'b', params: { ...params, ...one } }),
      code('wan_parameter'),
    )
})

test('a place is an IPv4 /24', () => {
  assert.equal(placeLine({ place: 'city:3', prefix: '10.128.3.0/24' }), 'place city:3 10.128.3.0/24')
  for (const prefix of ['10.1.1.0/16', '10.1.1.0', '10.1.256.0/24', '::/24', '10.1.1.0/24\n'])
    assert.throws(() => placeLine({ place: 'a', prefix }), code('wan_prefix'), prefix)
  for (const place of ['', 'a b', 'a\napply', 'x'.repeat(64)])
    assert.throws(() => placeLine({ place, prefix: '10.1.1.0/24' }), code('wan_place'), place)
})

test('an unexpected answer is an error', () => {
  for (const line of ['', 'ok', 'link a b 1 2 3 4 sideways', 'link a b 1 2 3 x up'])
    assert.throws(() => parseLink(line), code('wan_protocol'), line)
  for (const line of ['stats a b 1 2 3 4 5', 'stats a b 1 2 3 4 5 -6', 'stats a'])
    assert.throws(() => parseStats(line), code('wan_protocol'), line)
  for (const line of [undefined, 'totals', 'totals 1 2 3'])
    assert.throws(() => parseTotals(line), code('wan_protocol'))
})

test('a failed start gives its cause and a remedy', () => {
  const where = { namespace: 'n', device: 'wan', folder: '/f' }
  const codes = Object.fromEntries(
    [
      'open EPERM',
      'open ENOENT',
      'attach EPERM',
      'attach EBUSY',
      'attach EINVAL',
      'namespace EPERM',
      'memory ENOMEM',
    ].map((report) => [report, startFailure(`failed ${report}`, where).code]),
  )
  assert.deepEqual(codes, {
    'open EPERM': 'wan_forbidden',
    'open ENOENT': 'wan_no_tun',
    'attach EPERM': 'wan_forbidden',
    'attach EBUSY': 'wan_device_busy',
    'attach EINVAL': 'wan_device',
    'namespace EPERM': 'wan_forbidden',
    'memory ENOMEM': 'wan_start',
  })
  assert.match(startFailure('', where).message, /no report/)
  assert.match(startFailure('', where).remedy!, /\/f\/shaper\.log/)
})
