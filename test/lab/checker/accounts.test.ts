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

  test('passes if its total is constant, with or without transfers of unknown outcome', () => {
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

  test('reports a snapshot with half a transfer', () => {
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

  test('ignores failed reads', () => {
    const failed = readAccounts([], { outcome: 'fail' })
    assert.deepEqual(allViolations(historyOf(...ops, failed), finalOf(end, atStart)), {})
  })

  test('reports a missing or unknown account', () => {
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
      assert.match(found['constant-total']!.join(), /instead of the initial 2/)
    }
  })

  test('reports balances that the transfers do not explain, even if the total is right', () => {
    const wrong = {
      ...end,
      accounts: [
        ['x', 8],
        ['y', 12],
      ] as const,
    }
    const found = allViolations(historyOf(...ops), finalOf(wrong, atStart))
    assert.deepEqual(found['constant-total']!.slice(0, 2), [
      'the primary has 8 in x, but its transfers add up to 7',
      'the primary has 12 in y, but its transfers add up to 13',
    ])
  })

  test('reports replicas with different balances', () => {
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
