import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, suggest } from '../../src/lib/did-you-mean.ts'

test('a swap of neighbours is one edit', () => {
  assert.equal(editDistance('regions', 'regoins'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('', 'abc'), 3)
})

test('suggests a close candidate, and none otherwise', () => {
  const roles = ['full', 'edge', 'witness']
  assert.equal(suggest('witnes', roles), 'witness')
  assert.equal(suggest('FULL', roles), 'full')
  assert.equal(suggest('egde', roles), 'edge')
  assert.equal(suggest('primary', roles), undefined)
  assert.equal(suggest('', roles), undefined)
  assert.equal(suggest('latitude', ['lat', 'lon']), 'lat')
  assert.equal(suggest('ttl', ['ttlSeconds', 'places']), 'ttlSeconds')
  assert.equal(suggest('x', ['a', 'b']), undefined)
})

test('the distance is a metric for single edits and bounded by the longer word', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(editDistance(a, b), editDistance(b, a))
      assert.equal(editDistance(a, a), 0)
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length))
      assert.ok(editDistance(a, b) >= Math.abs(a.length - b.length))
    }),
  )
})

test('a word of 1 MB costs no more than a long one', () => {
  assert.equal(suggest('a'.repeat(1024 ** 2), ['full', 'edge']), undefined)
})
