import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allViolations, finalOf, historyOf, readAccounts, transfer } from './histories.ts'

describe('a bank', () => {
  const start: [string, number][] = [
    ['x', 10],
    ['y', 10],
  ]
  const ops = [
    transfer('t1', ['x', 3, 'y']),
    transfer('t2', ['y', 1, 'x'], { outcome: 'unknown' }),
    readAccounts([
      ['x', 7],
      ['y', 13],
    ]),
  ]
  const end = {
    accounts: [
      ['y', 13],
      ['x', 7],
    ] as const,
    transfers: [['t1', 1]] as const,
  }
  const atStart = { accountsAtStart: start }

  test('that keeps its total is fine, with and without what is unknown', () => {
    assert.deepEqual(allViolations(historyOf(...ops), finalOf(end, atStart)), {})
    const both = {
      accounts: [
        ['x', 8],
        ['y', 12],
      ] as const,
      transfers: [
        ['t1', 1],
        ['t2', 1],
      ] as const,
    }
    assert.deepEqual(allViolations(historyOf(...ops), finalOf(both, atStart)), {})
  })

  test('a snapshot with half a transfer in it is found', () => {
    const torn = readAccounts([
      ['x', 7],
      ['y', 10],
    ])
    const found = allViolations(historyOf(...ops, torn), finalOf(end, atStart))
    assert.deepEqual(Object.keys(found), ['constant-total'])
    assert.match(
      found['constant-total']![0]!,
      /^the read of all accounts, replica, .* a total of 17, expected 20$/,
    )
  })

  test('a read that failed says nothing about the total', () => {
    const failed = readAccounts([], { outcome: 'fail' })
    assert.deepEqual(allViolations(historyOf(...ops, failed), finalOf(end, atStart)), {})
  })

  test('an account that is gone, or came from nowhere, is found', () => {
    for (const balances of [
      [['x', 20]],
      [
        ['x', 10],
        ['z', 10],
      ],
      [
        ['x', 5],
        ['y', 5],
        ['z', 10],
      ],
    ] as [string, number][][]) {
      const found = allViolations(historyOf(...ops, readAccounts(balances)), finalOf(end, atStart))
      assert.match(found['constant-total']!.join(), /not the 2 of the beginning/)
    }
  })

  test('a total that is right with balances that no transfer explains is found', () => {
    const wrong = {
      ...end,
      accounts: [
        ['x', 8],
        ['y', 12],
      ] as const,
    }
    const found = allViolations(historyOf(...ops), finalOf(wrong, atStart))
    assert.deepEqual(found['constant-total']!.slice(0, 2), [
      'the primary has 8 in x, and its transfers explain 7',
      'the primary has 12 in y, and its transfers explain 13',
    ])
  })

  test('replicas with other balances differ', () => {
    const final = finalOf(end, atStart)
    final.views[2] = {
      region: 'west',
      source: 'replica',
      ...end,
      accounts: [
        ['x', 6],
        ['y', 14],
      ],
    }
    const found = allViolations(historyOf(...ops), final)
    assert.deepEqual(found['replicas-equal'], [
      'west’s database and the primary differ in the balance of y, x',
    ])
  })
})
