import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Attempt,
  checkHistory,
  failuresBeside,
  failuresSinceResumed,
  summarize,
  underWayAt,
} from '../support/world/history.ts'

/** A history in which all is well, to be doctored: three writes acknowledged by two timelines, and their entries. */
const write = (reference: string, changes: Partial<Attempt> = {}): Attempt => ({
  kind: 'write',
  edge: 'us-west',
  reference,
  startedMs: 0,
  endedMs: 10,
  outcome: 'acknowledged',
  why: '201',
  ...changes,
})
const on = (timeline: number, endedMs: number): Partial<Attempt> => ({
  endedMs,
  place: { server: `127.0.0.${timeline}`, timeline },
})
const attempts = [write('a', on(1, 10)), write('b', on(1, 20)), write('c', on(2, 30))]
const entries = (...references: string[]) => new Map(references.map((reference) => [reference, 1]))
const found = { primary: entries('a', 'b', 'c'), 'us-east': entries('a', 'b', 'c') }

describe('the history checker', () => {
  test('finds nothing where nothing is wrong', () => {
    assert.deepEqual(checkHistory(attempts, found), [])
  })

  test('finds an acknowledged write that is missing in one database', () => {
    assert.deepEqual(checkHistory(attempts, { ...found, 'us-east': entries('a', 'c') }), [
      'lost: b at us-east',
    ])
  })

  test('finds a write that was applied twice, acknowledged or not', () => {
    const twice = new Map([...entries('a', 'c'), ['b', 2]])
    assert.deepEqual(checkHistory(attempts, { primary: twice }), ['twice: b is 2 times at primary'])
    const doubtful = [...attempts.slice(0, 1), write('b', { outcome: 'unknown' }), attempts[2]!]
    assert.deepEqual(checkHistory(doubtful, { primary: twice }), ['twice: b is 2 times at primary'])
  })

  test('finds what was refused and is there, and what nobody tried', () => {
    const refused = [...attempts, write('d', { outcome: 'refused' })]
    assert.deepEqual(checkHistory(refused, { primary: entries('a', 'b', 'c', 'd', 'x') }), [
      'refused: d is at primary',
      'unasked: x at primary',
    ])
  })

  test('lets a write of unknown outcome be there or not', () => {
    const doubtful = [...attempts, write('d', { outcome: 'unknown' })]
    assert.deepEqual(checkHistory(doubtful, { primary: entries('a', 'b', 'c') }), [])
    assert.deepEqual(checkHistory(doubtful, { primary: entries('a', 'b', 'c', 'd') }), [])
  })

  test('finds an old primary that acknowledges after the new one has', () => {
    const both = [...attempts, write('d', on(1, 31))]
    assert.deepEqual(checkHistory(both, { primary: entries('a', 'b', 'c', 'd') }), [
      'overlap: d on timeline 1, 1 ms after the first on 2',
    ])
    // What it could not acknowledge is no overlap.
    const silent = [...attempts, write('d', { ...on(1, 31), outcome: 'unknown' })]
    assert.deepEqual(checkHistory(silent, found), [])
  })
})

test('what was under way at a fault is excused, what began after it is not', () => {
  const fault = { fromMs: 100, toMs: 120 }
  const failed = (startedMs: number, endedMs: number) =>
    write('x', { startedMs, endedMs, outcome: 'unknown' })
  const excused = [failed(0, 100), failed(50, 500), failed(110, 115), failed(120, 900)]
  const not = [failed(0, 99), failed(121, 200)]
  assert.deepEqual(underWayAt([...excused, ...not], fault), excused)
  assert.deepEqual(failuresBeside([...excused, ...not, write('a')], fault), not)
  assert.deepEqual(failuresBeside(not, fault, { fromMs: 0, toMs: 300 }), [])
})

test('a silent fault excuses what was sent before writes went on, and nothing later', () => {
  const fault = { fromMs: 100, toMs: 100 }
  const at = (startedMs: number, endedMs: number, changes: Partial<Attempt> = {}) =>
    write('x', { startedMs, endedMs, ...changes })
  const swallowed = at(150, 5000, { outcome: 'unknown' })
  const held = at(200, 3000)
  const late = at(3001, 3010, { outcome: 'refused' })
  assert.deepEqual(failuresSinceResumed([swallowed, held, late], fault), [late])
})

test('the longest time without an acknowledged write is counted from ack to ack', () => {
  const acks = [10, 20, 1020, 1030].map((endedMs, index) => write(`w${index}`, { endedMs }))
  const failed = write('x', { endedMs: 500, outcome: 'refused', why: 'ECONNREFUSED', startedMs: 400 })
  const { pauseMs, pauseAtMs, failures } = summarize([...acks, failed], 5)
  assert.deepEqual([pauseMs, pauseAtMs], [1000, 15])
  assert.deepEqual(failures, { 'write at us-west: refused, ECONNREFUSED': '1, sent 395 to 395 ms' })
})
