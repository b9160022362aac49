import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMissing, majorityOf, majorityWords } from '../../src/world/majority.ts'

const regions = [
  { name: 'us-east', votes: true },
  { name: 'us-west', votes: true },
  { name: 'us-central', votes: true },
  { name: 'tokyo', votes: false },
]
const running = (...names: string[]) => majorityOf(regions, (name) => names.includes(name))

test('the majority is one of the voting regions, and edges do not count', () => {
  assert.equal(isMissing(running('us-east', 'us-west')), false)
  assert.equal(isMissing(running('us-west', 'tokyo')), true)
  assert.equal(isMissing(majorityOf([{ name: 'alone', votes: true }], () => true)), false)
})

test('a missing majority is worded with what is needed and what runs', () => {
  assert.equal(majorityWords(running('us-west')), 'etcd needs 2 of 3 voting regions; only us-west runs')
  assert.equal(majorityWords(running()), 'etcd needs 2 of 3 voting regions; none runs')
})
