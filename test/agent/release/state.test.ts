import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeRelease,
  describeRelease,
  encodeRelease,
  isFailed,
  type ReleaseState,
} from '../../../src/agent/release/state.ts'

const states: ReleaseState[] = [
  { kind: 'running', region: 'us-east' },
  { kind: 'ok' },
  { kind: 'failed', why: 'exit 4', region: 'us-east', logFile: '/w/regions/us-east/log/release.log' },
]

test('encoding and decoding a state are inverse, and equal states give equal texts', () => {
  for (const state of states) {
    assert.deepEqual(decodeRelease(encodeRelease(state)), state)
    assert.equal(encodeRelease({ ...state }), encodeRelease(state))
  }
  assert.deepEqual(states.map(isFailed), [false, false, true])
  assert.equal(isFailed(undefined), false)
})

test('anything else decodes to undefined', () => {
  for (const text of ['', 'ok', 'null', '3', '{}', '{"kind":"paused"}', '[]'])
    assert.equal(decodeRelease(text), undefined, text)
})

test('the description of a state names the region that runs it, or the log to read', () => {
  assert.deepEqual(states.map(describeRelease), [
    'running in us-east',
    'ok',
    'failed: exit 4, see /w/regions/us-east/log/release.log',
  ])
})
