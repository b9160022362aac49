import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeReply, encodeQuestion } from '../../../src/engines/knot/message.ts'
import { parsePrefix } from '../../../src/geo/prefix.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('a query carries the client subnet as in RFC 7871, with no more address bytes than needed', () => {
  const question = encodeQuestion(0x1234, {
    name: 'a.example',
    type: 'A',
    subnet: parsePrefix('200.1.128.0/17')!,
  })
  assert.equal(
    hex(question),
    ['1234', '0000', '0001', '0000', '0000', '0001', '0161', '076578616d706c65', '00', '0001', '0001'].join(
      '',
    ) +
      // OPT: 1232 bytes, an option of 7 bytes: family 1, /17, scope 0, three bytes of address.
      ['00', '0029', '04d0', '00000000', '000b', '0008', '0007', '0001', '11', '00', 'c80180'].join(''),
  )
  const ipv6 = encodeQuestion(1, { name: '', type: 'TXT', subnet: parsePrefix('2001:db8::/33')! })
  assert.ok(hex(ipv6).endsWith(['0008', '0009', '0002', '21', '00', '20010db800'].join('')))
  assert.ok(hex(encodeQuestion(1, { name: '', type: 'TXT' })).endsWith('00002904d0000000000000'))
})

test('a reply with addresses, text and a scope is decoded', () => {
  const reply = Buffer.from(
    ['1234', '8580', '0001', '0002', '0000', '0001', '0161', '00', '0001', '0001'].join('') +
      ['c00c', '0001', '0001', '00000014', '0004', '7f580101'].join('') +
      ['c00c', '0010', '0001', '00000014', '0008', '036d6170', '033d6162'].join('') +
      ['00', '0029', '04d0', '00000000', '000b', '0008', '0007', '0001', '18', '10', 'c80102'].join(''),
    'hex',
  )
  assert.deepEqual(decodeReply(reply), {
    id: 0x1234,
    code: 0,
    truncated: false,
    records: [
      { type: 'A', ttlSeconds: 20, data: '127.88.1.1' },
      { type: 'TXT', ttlSeconds: 20, data: 'map=ab' },
    ],
    scope: 16,
  })
})

test('any bytes give a reply or a RangeError', () => {
  const sound = Buffer.from('12348580000100010000000001610000010001c00c000100010000001400047f580101', 'hex')
  const damaged = fc
    .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 6 })
    .chain((changes) =>
      fc.nat(sound.length).map((length) => {
        const bytes = Buffer.from(sound)
        for (const [at, value] of changes) bytes[at] = value
        return bytes.subarray(0, length)
      }),
    )
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged), (bytes) => {
      try {
        decodeReply(bytes)
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }),
    { numRuns: 2000 },
  )
})
