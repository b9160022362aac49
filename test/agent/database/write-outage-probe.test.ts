import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longestPauseMs } from '../../../src/agent/database/write-outage-probe.ts'

const at = (...times: number[]) => times.map((atMs) => ({ atMs, server: '127.77.1.1' }))

test('the write outage is the longest time between two acknowledged writes', () => {
  assert.equal(longestPauseMs(at(0, 10, 20, 2620, 2630)), 2600)
})

test('with fewer than two writes the write outage is unknown', () => {
  assert.equal(longestPauseMs([]), undefined)
  assert.equal(longestPauseMs(at(5)), undefined)
})
