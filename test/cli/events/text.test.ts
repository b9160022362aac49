import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventText } from '../../../src/cli/events/text.ts'

const text = (kind: string, detail: Record<string, unknown>) => eventText({ kind, detail })

test('every kind of decision becomes a sentence', () => {
  const by = ['us-west', 'us-central']
  assert.deepEqual(
    [
      text('setHealth', { region: 'us-east', state: 'unreachable', was: 'healthy', by, inputs: {} }),
      text('revokeLeader', { leader: { region: 'us-east', lease: '1' }, by, inputs: {} }),
      text('setHealth', {
        region: 'us-west',
        state: 'unhealthy',
        was: 'healthy',
        by,
        why: 'no path to the primary',
      }),
      text('forceFailover', { from: 'us-east', to: 'us-west', unresponsiveMs: 5012 }),
      text('replicaReinit', { region: 'us-west', from: 'us-east', segment: '000000010000000000000005' }),
      text('moveEtcdLeader', { from: 'us-east', to: 'us-central', inputs: {} }),
      text('release', { outcome: 'ok' }),
      text('switchover', { from: 'us-east', to: 'us-west', seconds: 3.25, writePauseMs: 2600 }),
      text('switchover', { from: 'us-east', to: 'us-west', seconds: 3.25 }),
    ],
    [
      'us-east is unreachable (was healthy), agreed by us-west and us-central',
      'failover: us-east loses the primary because it is unreachable, agreed by us-west and us-central',
      'us-west is unhealthy (was healthy): no path to the primary, but us-west and us-central can reach it',
      'forced failover: the primary in us-east has not written anything for 5.0 s; us-west takes over',
      'replica reinit: us-east no longer has WAL segment 000000010000000000000005, which us-west needs; the replica is copied again',
      'the etcd leader moves from us-east to us-central',
      'app.release: ok',
      'the primary moved from us-east to us-west in 3.3 s; writes paused for 2.6 s',
      'the primary moved from us-east to us-west in 3.3 s',
    ],
  )
})

test('an unknown kind is shown with all fields except its inputs', () => {
  assert.equal(text('drain', { region: 'us-east', inputs: { much: 1 } }), 'drain region="us-east"')
  assert.equal(text('toString', {}), 'toString')
})

test('a malformed event or one of another version is shown anyway', () => {
  assert.equal(text('setHealth', {}), 'undefined is undefined (was undefined)')
  assert.equal(
    text('revokeLeader', { leader: null, by: 3 }),
    'failover: ? loses the primary because it is unreachable',
  )
  assert.ok(!text('release', { outcome: '\u001b[2J' }).includes('\u001b'))
})

test('a failed release shows its reason', () => {
  assert.equal(text('release', { outcome: 'failed', why: 'exit 4' }), 'app.release: failed (exit 4)')
})
