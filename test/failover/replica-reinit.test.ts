import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mayReinit, missingMs, type StuckReplica } from '../../src/failover/replica-reinit.ts'

const stuck: StuckReplica = {
  self: 'us-west',
  leader: 'us-east',
  syncStandbys: [],
  role: 'replica',
  state: 'running',
  timeline: 3,
  primary: { role: 'primary', timeline: 3 },
  missingForMs: missingMs,
  sinceAttemptMs: Infinity,
  attempts: 0,
}
const may = (changes: Partial<StuckReplica>) => mayReinit({ ...stuck, ...changes })

describe('a replica that needs WAL which the primary no longer has is copied again', () => {
  test('after missingMs, even when the missing WAL keeps it from starting', () => {
    assert.equal(may({}), true)
    assert.equal(may({ state: 'starting', timeline: undefined }), true)
    assert.equal(may({ role: 'unknown', state: undefined, timeline: undefined }), true)
    assert.equal(may({ missingForMs: missingMs - 1 }), false)
  })

  test('never without a primary elsewhere, confirmed by its own agent', () => {
    assert.equal(may({ leader: undefined }), false)
    assert.equal(may({ leader: 'us-west' }), false)
    assert.equal(may({ primary: undefined }), false)
    assert.equal(may({ primary: { role: 'unknown', timeline: 3 } }), false)
    assert.equal(may({ primary: { role: 'primary', timeline: undefined } }), false)
  })

  test('never if it may be promoted: it could be the only other copy', () => {
    assert.equal(may({ syncStandbys: ['us-west'] }), false)
    assert.equal(may({ syncStandbys: ['eu-west'] }), true)
  })

  test('never if it is ahead of the primary, is a primary, or is streaming', () => {
    assert.equal(may({ timeline: 4 }), false)
    assert.equal(may({ role: 'primary' }), false)
    assert.equal(may({ state: 'streaming' }), false)
    assert.equal(may({ state: 'creating replica' }), false)
  })

  test('again only with increasing delays', () => {
    assert.equal(may({ attempts: 1, sinceAttemptMs: 299_999 }), false)
    assert.equal(may({ attempts: 1, sinceAttemptMs: 300_000 }), true)
    assert.equal(may({ attempts: 2, sinceAttemptMs: 300_000 }), false)
    assert.equal(may({ attempts: 9, sinceAttemptMs: 3_600_000 }), true)
  })
})
