import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prefixQuery } from '../../../../examples/shop/store/products.ts'

test('all words must match, each as a prefix', () => {
  assert.equal(prefixQuery('Wool blan'), 'wool:* & blan:*')
  assert.equal(prefixQuery("  chef's (knife) & | ! <-> :* "), 'chef:* & s:* & knife:*')
  assert.equal(prefixQuery('Grüße'), 'grüße:*')
  assert.equal(prefixQuery('&|!'), '')
})

test('no input is interpreted as an operator', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (typed) => {
      assert.match(prefixQuery(typed), /^([\p{L}\p{N}]+:\*( & [\p{L}\p{N}]+:\*)*)?$/u)
    }),
  )
})
