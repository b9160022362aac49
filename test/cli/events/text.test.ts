import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventKind } from '../../../src/agent/coordination/event-kinds.ts'
import { eventText, inputLines } from '../../../src/cli/events/text.ts'

const text = (kind: string, detail: Record<string, unknown>) => eventText({ kind, detail })

const by = ['us-west', 'us-central']

/** Complete: a kind without examples does not compile. */
const sentences: Record<EventKind, [detail: Record<string, unknown>, sentence: string][]> = {
  setHealth: [
    [
      { region: 'us-east', state: 'unreachable', was: 'healthy', by, inputs: {} },
      'us-east is unreachable (was healthy), confirmed by us-west and us-central',
    ],
    [
      { region: 'us-west', state: 'unhealthy', was: 'healthy', by, why: 'no path to the primary' },
      'us-west is unhealthy (was healthy): no path to the primary, but us-west and us-central can reach it',
    ],
  ],
  purge: [
    [{ number: 7, scope: { kind: 'all' } }, 'cache purge 7: everything in all regions'],
    [
      { number: 8, scope: { kind: 'pages' }, why: 'app-0 of us-east started' },
      'cache purge 8: cached pages in all regions, because app-0 of us-east started',
    ],
    [
      { number: 9, scope: { kind: 'path', path: '/a*', host: 'b.example' }, regions: ['us-west'] },
      'cache purge 9: /a* of b.example in us-west',
    ],
  ],
  revokeLeader: [
    [
      { leader: { region: 'us-east', lease: '1' }, by, inputs: {} },
      'failover: moving the primary away from us-east (unreachable; confirmed by us-west and us-central)',
    ],
  ],
  forceFailover: [
    [
      { from: 'us-east', to: 'us-west', unresponsiveMs: 5012 },
      'forced failover: the primary in us-east has not written anything for 5.0 s; us-west takes over',
    ],
  ],
  replicaReinit: [
    [
      { region: 'us-west', from: 'us-east', segment: '000000010000000000000005' },
      'replica reinit: us-east no longer has WAL segment 000000010000000000000005, which us-west needs; the replica is copied again',
    ],
  ],
  primary: [[{ from: 'us-east', to: 'us-west' }, 'the primary is now in us-west (was in us-east)']],
  moveEtcdLeader: [
    [{ from: 'us-east', to: 'us-central', inputs: {} }, 'the etcd leader moves from us-east to us-central'],
  ],
  release: [
    [{ outcome: 'ok' }, 'app.release: ok'],
    [{ outcome: 'failed', why: 'exit 4' }, 'app.release: failed (exit 4)'],
  ],
  operator: [
    [{ command: 'kill', regions: ['us-east', 'us-west'] }, 'an operator is killing us-east and us-west'],
    [
      { command: 'restart', regions: ['us-west'], process: 'app-0' },
      'an operator restarted app-0 in us-west',
    ],
    [{ command: 'start', regions: ['us-west'] }, 'an operator started us-west'],
  ],
  rollOut: [
    [{ state: 'started', paths: ['app.env.LOG'], done: [] }, 'roll-out started: app.env.LOG'],
    [
      { state: 'failed', paths: ['app.env.LOG', 'slo.share'], done: ['us-west'], why: 'agent_died' },
      'roll-out failed: app.env.LOG and slo.share, in us-west (agent_died)',
    ],
  ],
  switchover: [
    [
      { from: 'us-east', to: 'us-west', seconds: 3.25, writePauseMs: 2600 },
      'the primary moved from us-east to us-west in 3.3 s; writes paused for 2.6 s',
    ],
    [{ from: 'us-east', to: 'us-west', seconds: 3.25 }, 'the primary moved from us-east to us-west in 3.3 s'],
  ],
}

test('every kind of decision becomes a sentence', () => {
  for (const [kind, examples] of Object.entries(sentences))
    for (const [detail, sentence] of examples) assert.equal(text(kind, detail), sentence)
})

test('every missing value is shown as a question mark', () => {
  for (const kind of Object.keys(sentences)) {
    const shown = text(kind, {})
    assert.match(shown, /\?/)
    assert.doesNotMatch(shown, /undefined|NaN|null/)
    assert.ok(!shown.startsWith(kind), shown)
  }
})

test('an unknown kind is shown with all fields except its inputs', () => {
  assert.equal(text('drain', { region: 'us-east', inputs: { much: 1 } }), 'drain region="us-east"')
  assert.equal(text('toString', {}), 'toString')
})

test('a malformed event or one of another version is shown anyway', () => {
  assert.equal(text('setHealth', {}), '? is ? (was ?)')
  assert.equal(
    text('revokeLeader', { leader: null, by: 3 }),
    'failover: moving the primary away from ? (unreachable)',
  )
  assert.ok(!text('release', { outcome: '\u001b[2J' }).includes('\u001b'))
})

test('a failed release shows its reason', () => {
  assert.equal(text('release', { outcome: 'failed', why: 'exit 4' }), 'app.release: failed (exit 4)')
})

test('the observations behind a decision are shown one to a line', () => {
  assert.equal(
    inputLines({ 'us-west': { ageMs: 200, seen: { 'us-east': { state: 'dead' } } } }),
    '    us-west:\n      ageMs: 200\n      seen:\n        us-east:\n          state: dead',
  )
})
