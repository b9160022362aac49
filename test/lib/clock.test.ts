import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pause, systemClock } from '../../src/lib/clock.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('a pause ends after its time, and no earlier', async () => {
  const clock = new ManualClock()
  let ended = false
  void pause(clock, 100).then(() => {
    ended = true
  })
  await clock.advance(99)
  assert.equal(ended, false)
  await clock.advance(1)
  assert.equal(ended, true)
})

test('an aborted pause ends immediately and leaves neither timer nor listener', async () => {
  const clock = new ManualClock()
  const controller = new AbortController()
  const paused = pause(clock, 100, controller.signal)
  controller.abort()
  await paused
  assert.equal(clock.pending, 0)
  await pause(clock, 100, controller.signal)
  assert.equal(clock.pending, 0)
})

test('a cancelled timer of the system clock does not fire', async () => {
  let fired = false
  const cancel = systemClock.setTimeout(() => {
    fired = true
  }, 1)
  cancel()
  await pause(systemClock, 20)
  assert.equal(fired, false)
})

test('timers of a manual clock fire in the order of their times, also those set by others', async () => {
  const clock = new ManualClock()
  const fired: [string, number][] = []
  clock.setTimeout(() => fired.push(['late', clock.now()]), 50)
  clock.setTimeout(() => {
    fired.push(['early', clock.now()])
    clock.setTimeout(() => fired.push(['between', clock.now()]), 10)
  }, 20)
  await clock.advance(100)
  assert.deepEqual(fired, [
    ['early', 20],
    ['between', 30],
    ['late', 50],
  ])
  assert.equal(clock.now(), 100)
})
