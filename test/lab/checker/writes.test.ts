import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allViolations, append, finalOf, historyOf, lists, order, transfer } from './histories.ts'

describe('writes and the final state', () => {
  const ops = [
    append('l', 'a', [0, 1]),
    append('l', 'b', [2, 3]),
    order('o1', [0, 5]),
    transfer('t1', ['x', 1, 'y']),
  ]
  const shown = { ...lists({ l: 'ab' }), orders: [['o1', 1]] as const, transfers: [['t1', 1]] as const }

  test('a correct history has no violations', () => {
    assert.deepEqual(allViolations(historyOf(...ops), finalOf(shown)), {})
  })

  test('an acknowledged write missing from one database is lost, and the replicas differ', () => {
    const final = finalOf(shown)
    final.views[2] = { region: 'west', source: 'replica', ...shown, ...lists({ l: 'a' }), orders: [] }
    const found = allViolations(historyOf(...ops), final)
    assert.deepEqual(Object.keys(found), ['no-lost-writes', 'replicas-equal'])
    assert.match(
      found['no-lost-writes']![0]!,
      /^the append of b to l by ann at east .* is missing from west’s database$/,
    )
    assert.match(found['no-lost-writes']![1]!, /^order o1 /)
    assert.match(found['replicas-equal']![0]!, /2 entries: b in l, order o1/)
  })

  test('a write acknowledged once is acknowledged, however many other attempts failed', () => {
    for (const outcomes of [
      ['ok', 'unknown'],
      ['unknown', 'ok'],
      ['fail', 'ok'],
      ['ok', 'fail'],
    ] as const) {
      const again = outcomes.map((outcome, at) => order('o2', [at, at + 1], { outcome }))
      const found = allViolations(historyOf(...ops, ...again), finalOf(shown))
      assert.deepEqual(Object.keys(found), ['no-lost-writes'], outcomes.join())
    }
  })

  test('a write of unknown outcome, such as a cancelled COMMIT, may exist or not', () => {
    const doubtful = append('l', 'c', [4, 5], {
      outcome: 'unknown',
      why: 'canceling wait for synchronous replication due to user request',
    })
    assert.deepEqual(allViolations(historyOf(...ops, doubtful), finalOf(shown)), {})
    const there = { ...shown, ...lists({ l: 'abc' }) }
    assert.deepEqual(allViolations(historyOf(...ops, doubtful), finalOf(there)), {})
  })

  test('a write with an attempt of unknown outcome and a failed one may exist', () => {
    const both = [order('o2', [0, 1], { outcome: 'unknown' }), order('o2', [2, 3], { outcome: 'fail' })]
    const there = {
      ...shown,
      orders: [
        ['o1', 1],
        ['o2', 1],
      ] as const,
    }
    assert.deepEqual(allViolations(historyOf(...ops, ...both), finalOf(there)), {})
  })

  test('a refused write exists nowhere', () => {
    const refused = transfer('t2', ['x', 1, 'y'], { outcome: 'fail', why: 'ECONNREFUSED' })
    const there = {
      ...shown,
      transfers: [
        ['t1', 1],
        ['t2', 1],
      ] as const,
    }
    assert.deepEqual(allViolations(historyOf(...ops, refused), finalOf(shown)), {})
    const found = allViolations(historyOf(...ops, refused), finalOf(there))
    assert.deepEqual(Object.keys(found), ['no-refused-writes'])
    assert.match(
      found['no-refused-writes']![0]!,
      /was refused \(ECONNREFUSED\) but is in the primary, east’s/,
    )
  })

  test('no write is applied twice, acknowledged or not', () => {
    for (const outcome of ['ok', 'unknown'] as const) {
      const history = historyOf(
        ...ops,
        append('l', 'c', [4, 5], { outcome }),
        order('o2', [4, 5], { outcome }),
      )
      const there = {
        ...lists({ l: 'abcc' }),
        orders: [
          ['o1', 1],
          ['o2', 2],
        ] as const,
      }
      const found = allViolations(history, finalOf({ ...shown, ...there }))
      assert.deepEqual(found['no-duplicate-writes']!.slice(0, 2), [
        'c in l appears 2 times in the primary',
        'order o2 appears 2 times in the primary',
      ])
    }
  })

  test('no entry exists that no user wrote, not even a known value in another list', () => {
    const there = {
      ...shown,
      ...lists({ l: 'ab', m: 'a' }),
      orders: [
        ['o1', 1],
        ['o9', 1],
      ] as const,
    }
    const found = allViolations(historyOf(...ops), finalOf(there))
    assert.deepEqual(Object.keys(found), ['no-phantom-writes'])
    assert.deepEqual(found['no-phantom-writes']!.slice(0, 2), [
      'a in m is in the primary, but no user wrote it',
      'order o9 is in the primary, but no user wrote it',
    ])
  })

  test('names with the same concatenation are kept apart', () => {
    const strange = [append('1:a', 'b', [0, 1]), append('1', 'a:b', [0, 1])]
    const there = { lists: [['1:a', ['b']] as const] }
    const found = allViolations(historyOf(...strange), finalOf(there))
    assert.deepEqual(Object.keys(found), ['no-lost-writes', 'one-order'])
    assert.match(found['no-lost-writes']![0]!, /^the append of a:b to 1 /)
  })

  test('a kind of write that no view was queried for is not reported as lost', () => {
    assert.deepEqual(allViolations(historyOf(...ops), finalOf(lists({ l: 'ab' }))), {})
  })

  test('a database that could not be read is not equal', () => {
    const absent = [{ region: 'west', source: 'replica' as const, why: 'ECONNREFUSED' }]
    assert.deepEqual(allViolations(historyOf(...ops), finalOf(shown, { absent })), {
      'replicas-equal': ['west’s database could not be read: ECONNREFUSED'],
    })
  })

  test('replicas with the same values in another order differ', () => {
    const final = finalOf(shown)
    final.views[1] = { region: 'east', source: 'replica', ...shown, ...lists({ l: 'ba' }) }
    assert.deepEqual(allViolations(historyOf(...ops), final), {
      'replicas-equal': ['east’s database and the primary differ in the order of l'],
    })
  })
})
