import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allViolations, append, finalOf, historyOf, lists, readList } from './histories.ts'

describe('a list that grows', () => {
  const appends = [append('l', 'a', [0, 1]), append('l', 'b', [2, 3]), append('l', 'c', [4, 5])]
  const final = finalOf(lists({ l: 'abc' }))
  const bob = { user: 'bob' }

  test('may be seen at any length by users who read once', () => {
    const reads = ['', 'a', 'ab', 'abc'].map((values, at) =>
      readList('l', values, [6, 7], { user: `u${at}` }),
    )
    assert.deepEqual(allViolations(historyOf(...appends, ...reads), final), {})
  })

  test('must not be seen in another order', () => {
    const found = allViolations(historyOf(...appends, readList('l', 'ba', [6, 7], bob)), final)
    assert.deepEqual(Object.keys(found), ['one-order'])
    assert.match(found['one-order']![0]!, /showed b at position 1, where l has a$/)
  })

  test('must not be seen with a gap', () => {
    const found = allViolations(historyOf(...appends, readList('l', 'ac', [6, 7], bob)), final)
    assert.match(found['one-order']![0]!, /showed c at position 2, where l has b$/)
  })

  test('must not be seen longer than it is: values that were read or acknowledged are lost', () => {
    const shorter = finalOf(lists({ l: 'ab' }))
    const found = allViolations(historyOf(...appends, readList('l', 'abc', [6, 7], bob)), shorter)
    assert.deepEqual(Object.keys(found), ['no-lost-writes', 'one-order', 'no-lost-reads'])
    assert.match(found['no-lost-reads']![0]!, /showed c, which is no longer in l/)
  })

  test('an unacknowledged value that is gone breaks no order for its readers', () => {
    const doubtful = append('l', 'x', [3, 4], { outcome: 'unknown' })
    const history = historyOf(...appends, doubtful, readList('l', 'abx', [6, 7], bob))
    assert.deepEqual(Object.keys(allViolations(history, final)), ['no-lost-reads'])
  })

  test('a read with a duplicate value is not a prefix', () => {
    const found = allViolations(historyOf(...appends, readList('l', 'aab', [6, 7], bob)), final)
    assert.deepEqual(Object.keys(found), ['no-duplicate-writes', 'one-order'])
  })

  test('a duplicate or refused value is reported from a read, even if it is gone at the end', () => {
    const doubtful = append('l', 'x', [3, 4], { outcome: 'unknown' })
    const twice = allViolations(historyOf(...appends, doubtful, readList('l', 'abxx', [6, 7], bob)), final)
    assert.deepEqual(Object.keys(twice), ['no-duplicate-writes', 'no-lost-reads'])
    assert.match(twice['no-duplicate-writes']![0]!, /showed x in l twice$/)
    const refused = append('l', 'x', [3, 4], { outcome: 'fail', why: 'ECONNREFUSED' })
    const seen = allViolations(historyOf(...appends, refused, readList('l', 'abx', [6, 7], bob)), final)
    assert.deepEqual(Object.keys(seen), ['no-refused-writes', 'no-lost-reads'])
    assert.match(seen['no-refused-writes']![0]!, /showed the append of x .* was refused \(ECONNREFUSED\)$/)
  })

  test('a value that no user wrote is reported from a read, too', () => {
    const found = allViolations(historyOf(...appends, readList('l', 'az', [6, 7], bob)), final)
    assert.deepEqual(Object.keys(found), ['no-phantom-writes', 'no-lost-reads'])
    assert.match(found['no-phantom-writes']![0]!, /showed z, which no user wrote/)
  })

  test('an append acknowledged before another started precedes it', () => {
    const found = allViolations(historyOf(...appends), finalOf(lists({ l: 'acb' })))
    assert.deepEqual(found, { 'one-order': ['l has c before b, which was acknowledged before c started'] })
    // Overlapping appends may be in either order.
    const together = [append('l', 'a', [0, 9]), append('l', 'b', [2, 3])]
    assert.deepEqual(allViolations(historyOf(...together), finalOf(lists({ l: 'ba' }))), {})
    assert.deepEqual(allViolations(historyOf(...together), finalOf(lists({ l: 'ab' }))), {})
  })

  test('an append started after an acknowledgement never precedes it, even if its outcome is unknown', () => {
    for (const outcome of ['unknown', 'ok'] as const) {
      const late = append('l', 'x', [6, 7], { outcome })
      const found = allViolations(historyOf(...appends, late), finalOf(lists({ l: 'abxc' })))
      assert.deepEqual(found, {
        'one-order': ['l has x before c, which was acknowledged before x started'],
      })
    }
    // An unacknowledged append proves nothing: it may have been applied late.
    const doubtful = append('l', 'x', [0, 1], { outcome: 'unknown' })
    const after = append('l', 'y', [6, 7])
    assert.deepEqual(
      allViolations(historyOf(...appends, doubtful, after), finalOf(lists({ l: 'abcyx' }))),
      {},
    )
  })

  test('a list that is gone completely is lost', () => {
    const found = allViolations(historyOf(...appends), finalOf(lists({})))
    assert.equal(found['no-lost-writes']!.length, 3)
    assert.equal(found['one-order']!.length, 3)
  })

  test('reads are compared with each other if there is no final state', () => {
    const history = historyOf(...appends, readList('l', 'abc', [6, 7]), readList('l', 'ac', [6, 7], bob))
    assert.deepEqual(Object.keys(allViolations(history, { views: [], absent: [] })), ['one-order'])
  })
})
