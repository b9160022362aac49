import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventText } from '../../../src/cli/events/text.ts'

const text = (kind: string, detail: Record<string, unknown>) => eventText({ kind, detail })

test('every kind of decision is a sentence', () => {
  const by = ['us-west', 'us-central']
  assert.deepEqual(
    [
      text('setFitness', { region: 'us-east', state: 'lost', was: 'fit', by, inputs: {} }),
      text('revokeLeader', { leader: { region: 'us-east', lease: '1' }, by, inputs: {} }),
      text('setFitness', { region: 'us-west', state: 'unfit', was: 'fit', by, why: 'no way to the primary' }),
      text('giveUpPrimary', { from: 'us-east', to: 'us-west', silentMs: 5012 }),
      text('copyAnew', { region: 'us-west', from: 'us-east', segment: '000000010000000000000005' }),
      text('moveEtcdLeader', { from: 'us-east', to: 'us-central', inputs: {} }),
      text('release', { outcome: 'ok' }),
      text('switchover', { from: 'us-east', to: 'us-west', seconds: 3.25, writePauseMs: 2600 }),
      text('switchover', { from: 'us-east', to: 'us-west', seconds: 3.25 }),
    ],
    [
      'us-east is lost, was fit, say us-west and us-central',
      'the primary is taken from us-east, so that another region takes over: lost, say us-west and us-central',
      'us-west is unfit, was fit: no way to the primary, which us-west and us-central reach',
      'the primary in us-east hangs, it has written nothing for 5.0 s: us-west takes over',
      'the database of us-west is copied anew: us-east has no more the WAL that it needs (000000010000000000000005)',
      'etcd’s leader moves from us-east to us-central',
      'app.release: ok',
      'the primary moved from us-east to us-west in 3.3 s; writes paused for 2.6 s',
      'the primary moved from us-east to us-west in 3.3 s',
    ],
  )
})

test('a kind that is not known is shown with everything but its inputs', () => {
  assert.equal(text('drain', { region: 'us-east', inputs: { much: 1 } }), 'drain region="us-east"')
  assert.equal(text('toString', {}), 'toString')
})

test('an event of another version or of nobody’s making is shown all the same', () => {
  assert.equal(text('setFitness', {}), 'undefined is undefined, was undefined')
  assert.equal(
    text('revokeLeader', { leader: null, by: 3 }),
    'the primary is taken from ?, so that another region takes over: lost',
  )
  assert.ok(!text('release', { outcome: '\u001b[2J' }).includes('\u001b'))
})
