import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesOf, viewOf, violationsIn } from './check.ts'
import { type Attempt, failuresOutside, failuresSinceResumed, summarize, underWayAt } from './history.ts'

/** A correct history for tests to corrupt: three writes acknowledged on two timelines, and their entries. */
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

/** The checker's report when the primary has these references and us-east's database the same or others. */
function broken(tried: readonly Attempt[], primary: string, replica = primary): string[] {
  const shown = (references: string) => {
    const entries = new Map<string, number>()
    for (const reference of references) entries.set(reference, (entries.get(reference) ?? 0) + 1)
    return entries
  }
  const views = [viewOf('us-west', 'primary', shown(primary)), viewOf('us-east', 'replica', shown(replica))]
  return linesOf(violationsIn(tried, { views, absent: [] }))
}

describe('the checker compares a recorded history with the databases and', () => {
  test('reports nothing when all is correct', () => {
    assert.deepEqual(broken(attempts, 'abc'), [])
  })

  test('reports an acknowledged write that one database lacks', () => {
    assert.deepEqual(broken(attempts, 'abc', 'ac'), [
      'no-lost-writes: order b by a user at us-west (operation 1) was acknowledged but is missing from us-east’s database',
      'replicas-equal: us-east’s database and the primary differ in 1 entry: order b',
    ])
  })

  test('reports a write that was applied twice, acknowledged or not', () => {
    const twice = [
      'no-duplicate-writes: order b appears 2 times in the primary',
      'no-duplicate-writes: order b appears 2 times in us-east’s database',
    ]
    assert.deepEqual(broken(attempts, 'abbc'), twice)
    assert.deepEqual(broken(attempts.with(1, write('b', { outcome: 'unknown' })), 'abbc'), twice)
  })

  test('reports a refused write that exists, and an entry that no user wrote', () => {
    const refused = write('d', { outcome: 'fail', why: 'ECONNREFUSED', endedMs: 40 })
    assert.deepEqual(broken([...attempts, refused], 'abcdx'), [
      'no-phantom-writes: order x is in the primary, but no user wrote it',
      'no-phantom-writes: order x is in us-east’s database, but no user wrote it',
      'no-refused-writes: order d by a user at us-west (operation 3) was refused (ECONNREFUSED) but is in the primary, us-east’s database',
    ])
  })

  test('accepts a write of unknown outcome in all databases or in none', () => {
    const doubtful = [...attempts, write('d', { outcome: 'unknown' })]
    assert.deepEqual(broken(doubtful, 'abc'), [])
    assert.deepEqual(broken(doubtful, 'abcd'), [])
    assert.deepEqual(broken(doubtful, 'abcd', 'abc'), [
      'replicas-equal: us-east’s database and the primary differ in 1 entry: order d',
    ])
  })

  test('reports an old primary that acknowledges after the new one, by the time of its COMMIT', () => {
    const overlap =
      'one-primary: 127.0.0.1 acknowledged 1 writes on timeline 1 that were sent up to 1.0 ms after 127.0.0.2 had acknowledged on timeline 2; the last one: order d by a user at us-west (operation 3)'
    assert.deepEqual(broken([...attempts, write('d', on(1, 31, 32))], 'abcd'), [overlap])
    const held = write('d', on(1, 0, 32))
    assert.deepEqual(broken([...attempts, { ...held, commitSentMs: 31 }], 'abcd'), [overlap])
    // Sent before: only its answer may have been late.
    assert.deepEqual(broken([...attempts, held], 'abcd'), [])
    // An unacknowledged write is no overlap.
    const unacknowledged = write('d', { ...on(1, 31, 32), outcome: 'unknown' })
    assert.deepEqual(broken([...attempts, unacknowledged], 'abc'), [])
  })

  test('lists the first violations and counts the rest', () => {
    const lines = linesOf(
      violationsIn(attempts, { views: [viewOf('us-west', 'primary', new Map())], absent: [] }),
      2,
    )
    assert.equal(lines.length, 3)
    assert.equal(lines[2], 'and 1 more')
  })
})

test('requests under way at a fault are excused, later ones are not', () => {
  const fault = { fromMs: 100, toMs: 120 }
  const failed = (startedMs: number, endedMs: number) =>
    write('x', { startedMs, endedMs, outcome: 'unknown' })
  const excused = [failed(0, 100), failed(50, 500), failed(110, 115), failed(120, 900)]
  const not = [failed(0, 99), failed(121, 200)]
  assert.deepEqual(underWayAt([...excused, ...not], fault), excused)
  assert.deepEqual(failuresOutside([...excused, ...not, write('a')], fault), not)
  assert.deepEqual(failuresOutside(not, fault, { fromMs: 0, toMs: 300 }), [])
})

test('a fault that drops packets excuses requests sent before writes resumed, and no later ones', () => {
  const fault = { fromMs: 100, toMs: 100 }
  const at = (startedMs: number, endedMs: number, changes: Partial<Attempt> = {}) =>
    write('x', { startedMs, endedMs, ...changes })
  const swallowed = at(150, 5000, { outcome: 'unknown' })
  const held = at(200, 3000)
  const late = at(3001, 3010, { outcome: 'fail' })
  assert.deepEqual(failuresSinceResumed([swallowed, held, late], fault), [late])
})

test('the write outage is the longest time between two acknowledgements', () => {
  const acks = [10, 20, 1020, 1030].map((endedMs, index) => write(`w${index}`, { endedMs }))
  const failed = write('x', { endedMs: 500, outcome: 'fail', why: 'ECONNREFUSED', startedMs: 400 })
  const { pauseMs, pauseAtMs, failures } = summarize([...acks, failed], 5)
  assert.deepEqual([pauseMs, pauseAtMs], [1000, 15])
  assert.deepEqual(failures, { 'write at us-west: fail, ECONNREFUSED': '1, sent 395 to 395 ms' })
})
