import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check, promisesOf } from '../../../src/lab/checker/check.ts'
import { type GuaranteeId, guaranteeIds, type Promises } from '../../../src/lab/checker/types.ts'
import { verdictLines, verdictOf } from '../../../src/lab/checker/verdict.ts'
import { isBroken } from '../../support/broken.ts'
import { append, finalOf, historyOf, lists, readList } from './histories.ts'

describe('a verdict', () => {
  // Acknowledged, lost, and not seen by its own user either.
  const history = historyOf(append('l', 'a', [0, 1]), readList('l', '', [2, 3]))
  const final = finalOf(lists({}))
  const verdicts = (promises: Promises) =>
    Object.fromEntries(check(history, final, promises).map((one) => [one.id, verdictOf(one)])) as Record<
      GuaranteeId,
      string
    >
  const region: Promises = { durability: 'region', readYourWrites: false, monotonicReads: false }

  test('states for every guarantee whether it held', () => {
    const found = verdicts(region)
    assert.deepEqual(Object.keys(found), [...guaranteeIds])
    assert.equal(found['no-lost-writes'], 'broken')
    assert.equal(found['no-duplicate-writes'], 'not checked')
    assert.ok(isBroken(check(history, final, region)))
  })

  test('counts violations of guarantees that were not promised without calling them broken', () => {
    const local = check(history, final, { ...region, durability: 'local' })
    assert.ok(!isBroken(local))
    const lost = local.find(({ id }) => id === 'no-lost-writes')!
    assert.equal(verdictOf(lost), 'not promised')
    assert.equal(lost.violations.length, 1)
    const own = local.find(({ id }) => id === 'read-your-writes')!
    assert.equal(verdictOf(own), 'not promised')
    assert.equal(own.violations.length, 1)
    assert.equal(verdicts({ ...region, readYourWrites: true })['read-your-writes'], 'broken')
  })

  test('is one line per guarantee, followed by the first violations', () => {
    const many = historyOf(...[...'abcde'].map((value, at) => append('l', value, [at, at + 0.5])))
    const lines = verdictLines(check(many, final, region))
    const from = lines.findIndex((line) => line.startsWith('no acknowledged write'))
    assert.match(lines[from]!, /broken +5 violations in 5$/)
    assert.match(lines[from + 1]!, /^ {4}the append of a to l by ann/)
    assert.equal(lines[from + 4], '    and 2 more')
  })

  test('follows from the topology', () => {
    const database = { durability: 'strict' } as never
    assert.deepEqual(promisesOf({ database }), { ...region, durability: 'strict' })
  })
})
