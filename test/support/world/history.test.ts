import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesOf, viewOf, violationsIn } from './check.ts'
import { type Attempt, failuresBeside, failuresSinceResumed, summarize, underWayAt } from './history.ts'

/** A history in which all is well, to be doctored: three writes acknowledged by two timelines, and their entries. */
const write = (reference: string, changes: Partial<Attempt> = {}): Attempt => ({
  kind: 'write',
  edge: 'us-west',
  reference,
  startedMs: 0,
  endedMs: 10,
  outcome: 'ok',
  why: '201',
  ...changes,
})
const on = (timeline: number, startedMs: number, endedMs: number): Partial<Attempt> => ({
  startedMs,
  endedMs,
  place: { server: `127.0.0.${timeline}`, timeline },
})
const attempts = [write('a', on(1, 0, 10)), write('b', on(1, 0, 20)), write('c', on(2, 0, 30))]

/** What the checker says when the primary shows these references, and us-east’s database the same or others. */
function broken(tried: readonly Attempt[], primary: string, replica = primary): string[] {
  const shown = (references: string) => {
    const entries = new Map<string, number>()
    for (const reference of references) entries.set(reference, (entries.get(reference) ?? 0) + 1)
    return entries
  }
  const views = [viewOf('us-west', 'primary', shown(primary)), viewOf('us-east', 'replica', shown(replica))]
  return linesOf(violationsIn(tried, { views, absent: [] }))
}

describe('what a world test has recorded, held against what is there', () => {
  test('breaks nothing where nothing is wrong', () => {
    assert.deepEqual(broken(attempts, 'abc'), [])
  })

  test('an acknowledged write that is missing in one database is found', () => {
    assert.deepEqual(broken(attempts, 'abc', 'ac'), [
      'acknowledged-stays: order b by a user at us-west (operation 1) was acknowledged and is not in us-east’s database',
      'replicas-equal: us-east’s database and the primary differ in 1 entries: order b',
    ])
  })

  test('a write that was applied twice is found, acknowledged or not', () => {
    const twice = [
      'applied-once: order b is 2 times in the primary',
      'applied-once: order b is 2 times in us-east’s database',
    ]
    assert.deepEqual(broken(attempts, 'abbc'), twice)
    assert.deepEqual(broken(attempts.with(1, write('b', { outcome: 'unknown' })), 'abbc'), twice)
  })

  test('what was refused and is there is found, and what nobody tried', () => {
    const refused = write('d', { outcome: 'fail', why: 'ECONNREFUSED', endedMs: 40 })
    assert.deepEqual(broken([...attempts, refused], 'abcdx'), [
      'nothing-unasked: order x is in the primary, and nobody tried it',
      'nothing-unasked: order x is in us-east’s database, and nobody tried it',
      'refused-is-absent: order d by a user at us-west (operation 3) was refused (ECONNREFUSED) and is in the primary, us-east’s database',
    ])
  })

  test('a write of unknown outcome may be there or not, but everywhere alike', () => {
    const doubtful = [...attempts, write('d', { outcome: 'unknown' })]
    assert.deepEqual(broken(doubtful, 'abc'), [])
    assert.deepEqual(broken(doubtful, 'abcd'), [])
    assert.deepEqual(broken(doubtful, 'abcd', 'abc'), [
      'replicas-equal: us-east’s database and the primary differ in 1 entries: order d',
    ])
  })

  test('an old primary that acknowledges after the new one has is found, by when the app sent its COMMIT', () => {
    const overlap =
      'one-primary: 127.0.0.1 acknowledged 1 writes on timeline 1 that were sent up to 1.0 ms after 127.0.0.2 had acknowledged on timeline 2; the last of them: order d by a user at us-west (operation 3)'
    assert.deepEqual(broken([...attempts, write('d', on(1, 31, 32))], 'abcd'), [overlap])
    const held = write('d', on(1, 0, 32))
    assert.deepEqual(broken([...attempts, { ...held, commitSentMs: 31 }], 'abcd'), [overlap])
    // Begun before: its answer may only have been late.
    assert.deepEqual(broken([...attempts, held], 'abcd'), [])
    // What it could not acknowledge is no overlap.
    const silent = write('d', { ...on(1, 31, 32), outcome: 'unknown' })
    assert.deepEqual(broken([...attempts, silent], 'abc'), [])
  })

  test('a failure names the first violations, and how many there are', () => {
    const lines = linesOf(
      violationsIn(attempts, { views: [viewOf('us-west', 'primary', new Map())], absent: [] }),
      2,
    )
    assert.equal(lines.length, 3)
    assert.equal(lines[2], 'and 1 more')
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
  const late = at(3001, 3010, { outcome: 'fail' })
  assert.deepEqual(failuresSinceResumed([swallowed, held, late], fault), [late])
})

test('the longest time without an acknowledged write is counted from ack to ack', () => {
  const acks = [10, 20, 1020, 1030].map((endedMs, index) => write(`w${index}`, { endedMs }))
  const failed = write('x', { endedMs: 500, outcome: 'fail', why: 'ECONNREFUSED', startedMs: 400 })
  const { pauseMs, pauseAtMs, failures } = summarize([...acks, failed], 5)
  assert.deepEqual([pauseMs, pauseAtMs], [1000, 15])
  assert.deepEqual(failures, { 'write at us-west: fail, ECONNREFUSED': '1, sent 395 to 395 ms' })
})
