import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProcessStatus } from '../../src/agent/supervision/supervised-process.ts'
import { brokenWords, describeTrouble, isBroken } from '../../src/world/process-words.ts'

const app = (more: Partial<ProcessStatus>): ProcessStatus => ({
  name: 'app-0',
  engine: 'app',
  state: 'backoff',
  restarts: 11,
  failures: 11,
  lastEnd: 'exited before it was ready',
  why: 'it exited before it was ready',
  ...more,
})

test('a process that crashes on start is told with its restarts and the pause', () => {
  assert.equal(
    describeTrouble(app({ retryInSeconds: 15 })),
    'keeps crashing on start (11 restarts); retrying in 15 s',
  )
  assert.equal(
    describeTrouble(
      app({ state: 'gaveUp', why: 'exited 12 times in a row before it was ready; retrying once a minute' }),
    ),
    'exited 12 times in a row before it was ready; retrying once a minute',
  )
})

test('no state of a process is told as the end of its restarts', () => {
  for (const state of [
    'waiting',
    'starting',
    'failing',
    'outdated',
    'backoff',
    'gaveUp',
    'stopping',
  ] as const)
    assert.doesNotMatch(describeTrouble(app({ state })), /no longer|gave up|given up/)
})

test('an app is broken after three crashes in a row, or once it was not ready in time', () => {
  assert.equal(isBroken(app({ failures: 2 })), false)
  assert.equal(isBroken(app({ failures: 3 })), true)
  assert.equal(isBroken(app({ failures: 1, lastEnd: 'not ready in time' })), true)
  // It may have been killed, and is up again in a moment.
  assert.equal(isBroken(app({ failures: 3, state: 'starting' })), false)
})

test('an engine may fail until its agent pauses for a minute between starts', () => {
  const postgres = app({ name: 'postgres', engine: 'postgres' })
  assert.equal(isBroken(postgres), false)
  assert.equal(isBroken({ ...postgres, state: 'gaveUp' }), true)
})

test('why an app is broken names the failures, or what was tried', () => {
  assert.equal(brokenWords(app({ failures: 3 })), 'exited 3 times in a row before it was ready')
  const why = 'it was not ready after 60 s: nothing listens on 127.77.1.1:3000 (HOST and PORT)'
  assert.equal(brokenWords(app({ lastEnd: 'not ready in time', why })), `keeps failing: ${why}`)
})
