import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contains, formatPrefix, parseAddress, parsePrefix, truncate } from '../../src/geo/prefix.ts'
import { arbitraryAddress, arbitraryPrefix } from '../support/places.ts'

test('parsing and formatting a prefix are inverse', () => {
  for (const text of [
    '0.0.0.0/0',
    '9.9.9.0/24',
    '255.255.255.255/32',
    '::/0',
    '2001:db8::/32',
    'fe80::/10',
  ]) {
    assert.equal(formatPrefix(parsePrefix(text)!), text)
  }
  fc.assert(
    fc.property(fc.oneof(arbitraryPrefix(4, 32), arbitraryPrefix(6, 64)), (prefix) => {
      assert.deepEqual(parsePrefix(formatPrefix(prefix)), prefix)
    }),
  )
})

test('IPv6 addresses are parsed in all notations', () => {
  const expected = { family: 6, high: 0x20010db8, low: 0x00010002 }
  for (const text of [
    '2001:db8:1:2::',
    '2001:DB8:1:2:0:0:0:7',
    '2001:0db8:0001:0002::ffff',
    '2001:db8:1:2::1.2.3.4',
  ]) {
    assert.deepEqual(parseAddress(text), expected, text)
  }
  assert.deepEqual(parseAddress('::'), { family: 6, high: 0, low: 0 })
  assert.deepEqual(parseAddress('1:2::7:8:9'), { family: 6, high: 0x00010002, low: 0 })
})

test('invalid addresses are rejected', () => {
  const wrong = [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    '1.2.3.x',
    '01.2.3.4444',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
  ]
  for (const text of [...wrong, '1:2:3', '12345::', 'g::', '::1.2.3', '1:2:3:4:5:6:7::8:9', 'localhost']) {
    assert.equal(parseAddress(text), undefined, text)
  }
  for (const text of ['1.2.3.4', '1.2.3.4/33', '1.2.3.4/', '1.2.3.4/x', '::/65', '/8']) {
    assert.equal(parsePrefix(text), undefined, text)
  }
})

test('bits after the length are cleared', () => {
  assert.equal(formatPrefix(parsePrefix('10.1.2.3/8')!), '10.0.0.0/8')
  assert.equal(formatPrefix(parsePrefix('2001:db8:ffff:ffff::/49')!), '2001:db8:ffff:8000::/49')
})

test('a prefix contains exactly the addresses that begin with its bits', () => {
  for (const family of [4, 6] as const) {
    const bits = family === 4 ? 32 : 64
    fc.assert(
      fc.property(arbitraryPrefix(family, bits), arbitraryAddress(family), (prefix, address) => {
        const start = truncate(address.high, address.low, prefix.length)
        assert.ok(contains({ family, ...start, length: prefix.length }, address))
        const begins = formatPrefix({ ...prefix, ...start }) === formatPrefix(prefix)
        assert.equal(contains(prefix, address), begins)
      }),
    )
  }
  assert.ok(!contains(parsePrefix('::/0')!, parseAddress('1.2.3.4')!))
})
