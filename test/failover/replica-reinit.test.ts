import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mayCopyAnew, missingMs, type Stranded } from '../../src/failover/replica-reinit.ts'

const stranded: Stranded = {
  self: 'us-west',
  leader: 'us-east',
  syncStandbys: [],
  role: 'replica',
  state: 'running',
  timeline: 3,
  primary: { role: 'primary', timeline: 3 },
  missingForMs: missingMs,
  sinceTriedMs: Infinity,
  tries: 0,
}
const may = (changes: Partial<Stranded>) => mayCopyAnew({ ...stranded, ...changes })

describe('a replica that lacks WAL which the primary has no more is copied anew', () => {
  test('after a while, also when it cannot finish its start for lack of it', () => {
    assert.equal(may({}), true)
    assert.equal(may({ state: 'starting', timeline: undefined }), true)
    assert.equal(may({ role: 'unknown', state: undefined, timeline: undefined }), true)
    assert.equal(may({ missingForMs: missingMs - 1 }), false)
  })

  test('never without a primary elsewhere that says so itself', () => {
    assert.equal(may({ leader: undefined }), false)
    assert.equal(may({ leader: 'us-west' }), false)
    assert.equal(may({ primary: undefined }), false)
    assert.equal(may({ primary: { role: 'unknown', timeline: 3 } }), false)
    assert.equal(may({ primary: { role: 'primary', timeline: undefined } }), false)
  })

  test('never one that may be promoted: it could be the only other copy', () => {
    assert.equal(may({ syncStandbys: ['us-west'] }), false)
    assert.equal(may({ syncStandbys: ['eu-west'] }), true)
  })

  test('never one that is ahead of the primary, is a primary, or streams', () => {
    assert.equal(may({ timeline: 4 }), false)
    assert.equal(may({ role: 'primary' }), false)
    assert.equal(may({ state: 'streaming' }), false)
    assert.equal(may({ state: 'creating replica' }), false)
  })

  test('again only after a while, and each time later', () => {
    assert.equal(may({ tries: 1, sinceTriedMs: 299_999 }), false)
    assert.equal(may({ tries: 1, sinceTriedMs: 300_000 }), true)
    assert.equal(may({ tries: 2, sinceTriedMs: 300_000 }), false)
    assert.equal(may({ tries: 9, sinceTriedMs: 3_600_000 }), true)
  })
})
