import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Users } from '../../../../src/lab/workloads/ledger/users.ts'

describe('users of the ledger', () => {
  test('write and read the same lists in every region, each value and reference once', () => {
    const users = new Users(['east', 'west'], 20, 1)
    const all = ['east', 'west'].flatMap((region) =>
      Array.from({ length: 2000 }, (_, n) => [users.write(region, n), users.read(region)]).flat(),
    )
    const appends = all.filter((one) => one.kind === 'append')
    assert.equal(new Set(appends.map(({ list, value }) => `${list} ${value}`)).size, appends.length)
    const perList = Map.groupBy(appends, ({ list }) => list)
    assert.ok([...perList.values()].every((some) => some.length <= 50))
    const transfers = all.filter((one) => one.kind === 'transfer')
    assert.ok(transfers.every(({ from, to, amount }) => from !== to && amount > 0))
    assert.equal(new Set(transfers.map(({ reference }) => reference)).size, 2000)
    const reads = all.filter((one) => one.kind === 'readList')
    assert.ok(
      reads.some(({ source }) => source === 'primary') && reads.some(({ source }) => source === 'replica'),
    )
  })

  test('are determined by the seed', () => {
    const some = (seed: number) => {
      const users = new Users(['east', 'west'], 20, seed)
      return Array.from({ length: 50 }, (_, n) => [users.write('west', n), users.read('east')])
    }
    assert.deepEqual(some(7), some(7))
    assert.notDeepEqual(some(7), some(8))
  })
})
