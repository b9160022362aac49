import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutHostBits } from '../../src/lib/networks.ts'

test('a network without its host bits', () => {
  for (const [text, network] of [
    ['10.1.2.3', '10.1.2.3'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001:DB8:0::/32', '2001:DB8:0::/32'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['2001:db8:1:2:3:4:5:6/121', '2001:db8:1:2:3:4:5:0/121'],
    ['::ffff:10.1.2.3/104', '::ffff:a00:0/104'],
    ['::1/128', '::1/128'],
    ['::1/0', '::/0'],
  ] as const)
    assert.equal(withoutHostBits(text), network)
})
