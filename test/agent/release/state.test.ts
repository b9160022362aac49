import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeRelease, isFailed, type ReleaseState } from '../../../src/agent/release/state.ts'

const states: ReleaseState[] = [
  { kind: 'running', region: 'us-east' },
  { kind: 'ok' },
  { kind: 'failed', why: 'exit 4', region: 'us-east', logFile: '/w/regions/us-east/log/release.log' },
]

test('only a failed release is failed', () => {
  assert.deepEqual(states.map(isFailed), [false, false, true])
  assert.equal(isFailed(undefined), false)
})

test('the description of a state names the region that runs it, or the log to read', () => {
  assert.deepEqual(states.map(describeRelease), [
    'running in us-east',
    'ok',
    'failed: exit 4, see /w/regions/us-east/log/release.log',
  ])
})
