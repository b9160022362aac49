import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allViolations, append, finalOf, historyOf, lists, order, readList, readOrders } from './histories.ts'

const bob = { user: 'bob' }
const primary = { source: 'primary' as const }

describe('a user of a list', () => {
  const appends = [append('l', 'a', [0, 1]), append('l', 'b', [2, 3], bob), append('l', 'c', [4, 5])]
  const final = finalOf(lists({ l: 'abc' }))
  const found = (...reads: ReturnType<typeof readList>[]) =>
    allViolations(historyOf(...appends, ...reads), final)

  test('sees own writes acknowledged earlier', () => {
    assert.deepEqual(found(readList('l', 'a', [1.5, 2]), readList('l', 'abc', [6, 7])), {})
    const { 'read-your-writes': own, ...others } = found(readList('l', 'ab', [6, 7]))
    assert.deepEqual(others, {})
    assert.match(
      own![0]!,
      /did not show c, which the same user wrote and which was acknowledged 1\.0 ms earlier$/,
    )
  })

  test('need not see unacknowledged writes or those of other users', () => {
    assert.deepEqual(found(readList('l', 'ab', [4.5, 7])), {})
    assert.deepEqual(found(readList('l', 'ab', [6, 7], bob)), {})
    assert.deepEqual(found(readList('l', '', [6, 7], { user: 'eve' })), {})
  })

  test('reads from the primary are distinguished from those of a replica', () => {
    assert.deepEqual(Object.keys(found(readList('l', 'ab', [6, 7], primary))), [
      'read-your-writes',
      'read-your-writes-on-primary',
    ])
  })

  test('never goes back in time', () => {
    const back = found(readList('l', 'abc', [6, 7], bob), readList('l', 'ab', [8, 9], bob))
    assert.deepEqual(Object.keys(back), ['monotonic-reads'])
    assert.match(
      back['monotonic-reads']![0]!,
      /did not show c, which an earlier read of the same user had shown/,
    )
    // Overlapping reads, or reads of two users, may see different states.
    assert.deepEqual(found(readList('l', 'abc', [6, 9], bob), readList('l', 'ab', [8, 10], bob)), {})
    assert.deepEqual(
      found(readList('l', 'abc', [6, 7], { user: 'eve' }), readList('l', 'ab', [8, 9], bob)),
      {},
    )
  })

  test('a replica that lags does not make the primary go back in time', () => {
    const reads = [readList('l', 'abc', [6, 7], { ...bob, ...primary }), readList('l', 'ab', [8, 9], bob)]
    assert.deepEqual(Object.keys(found(...reads)), ['monotonic-reads'])
    const twice = [...reads, readList('l', 'ab', [10, 11], { ...bob, ...primary })]
    assert.deepEqual(Object.keys(found(...twice)), ['monotonic-reads', 'monotonic-reads-on-primary'])
  })

  test('is checked even if a read fits no order', () => {
    const strange = found(readList('l', 'acb', [6, 7], bob), readList('l', 'ca', [8, 9], bob))
    assert.deepEqual(Object.keys(strange), ['one-order', 'read-your-writes', 'monotonic-reads'])
  })

  test('a lost write is missing in every later read', () => {
    const shorter = finalOf(lists({ l: 'ab' }))
    const lost = allViolations(historyOf(...appends, readList('l', 'ab', [6, 7])), shorter)
    assert.deepEqual(Object.keys(lost), ['no-lost-writes', 'one-order', 'read-your-writes'])
  })
})

describe('a customer of the shop', () => {
  const orders = [order('p', [0, 1]), order('q', [2, 3])]
  const final = finalOf({
    orders: [
      ['p', 1],
      ['q', 1],
    ],
  })
  const found = (...reads: ReturnType<typeof readOrders>[]) =>
    allViolations(historyOf(...orders, ...reads), final)

  test('sees all own orders, in any order', () => {
    assert.deepEqual(found(readOrders('qp', [4, 5]), readOrders('pq', [6, 7])), {})
  })

  test('notices a missing order, whether not yet or no longer there', () => {
    assert.deepEqual(Object.keys(found(readOrders('p', [4, 5]))), ['read-your-writes'])
    const back = found(readOrders('pq', [2, 2.5]), readOrders('q', [2.6, 2.9]))
    assert.deepEqual(Object.keys(back), ['read-your-writes', 'monotonic-reads'])
  })

  test('goes back in time even if a longer page came in between', () => {
    const doubtful = order('x', [0, 1], { user: 'eve', outcome: 'unknown' })
    const pages = [readOrders('x', [2, 3], bob), readOrders('pq', [4, 5], bob), readOrders('pq', [6, 7], bob)]
    const back = allViolations(historyOf(...orders, doubtful, ...pages), final)
    assert.equal(back['monotonic-reads']!.length, 2)
    assert.match(back['monotonic-reads']![1]!, /did not show x, which an earlier read/)
  })

  test('never sees an order twice or a refused one', () => {
    assert.deepEqual(Object.keys(found(readOrders('pqp', [4, 5]))), ['no-duplicate-writes'])
    const refused = order('r', [0, 1], { outcome: 'fail', why: '503' })
    const shown = historyOf(...orders, refused, readOrders('pqr', [4, 5]))
    assert.deepEqual(Object.keys(allViolations(shown, final)), ['no-refused-writes', 'no-lost-reads'])
  })

  test('is a separate session for each customer of a user', () => {
    assert.deepEqual(found(readOrders('', [4, 5], { customer: 'd' })), {})
  })
})
