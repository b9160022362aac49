import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsOf } from '../../src/lab/settings.ts'

const gb = 1024 ** 3
const before = {
  rttMs: { 'us-east us-west': 60 },
  appFaults: true,
  smallDisks: { 'us-east': gb },
}

test('a lab keeps the options of an earlier lab up and reports them', () => {
  const { settings, kept } = settingsOf({ smallDisks: {} }, before)
  assert.deepEqual(settings, before)
  assert.deepEqual(kept, [
    'measured round trips (until --no-rtt)',
    'app faults (until --no-app-faults)',
    'a small disk in us-east (until lab down --purge)',
  ])
  assert.deepEqual(settingsOf({ smallDisks: {} }), { settings: {}, kept: [] })
})

test('a repeated option overrides the earlier one without a report', () => {
  const rttMs = { 'us-east us-west': 70 }
  assert.deepEqual(settingsOf({ rttMs, appFaults: true, smallDisks: { 'us-east': gb } }, before), {
    settings: { ...before, rttMs },
    kept: [],
  })
  assert.deepEqual(settingsOf({ rttMs: false, appFaults: false, smallDisks: { 'us-west': gb } }, before), {
    settings: { smallDisks: { 'us-east': gb, 'us-west': gb } },
    kept: ['a small disk in us-east (until lab down --purge)'],
  })
})

test('a small disk with a database cannot change its size', () => {
  assert.throws(() => settingsOf({ smallDisks: { 'us-east': 2 * gb } }, before), {
    code: 'lab_disk_in_use',
    message: /us-east already has a disk of 1.* GB/,
    remedy: /lab down --purge/,
  })
})
