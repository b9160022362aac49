import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prefixQuery } from '../../../../examples/shop/store/products.ts'

test('all words count, each as a beginning', () => {
  assert.equal(prefixQuery('Wool blan'), 'wool:* & blan:*')
  assert.equal(prefixQuery("  chef's (knife) & | ! <-> :* "), 'chef:* & s:* & knife:*')
  assert.equal(prefixQuery('Grüße'), 'grüße:*')
  assert.equal(prefixQuery('&|!'), '')
})

test('nothing that is typed can be taken for an operator', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (typed) => {
      assert.match(prefixQuery(typed), /^([\p{L}\p{N}]+:\*( & [\p{L}\p{N}]+:\*)*)?$/u)
    }),
  )
})
