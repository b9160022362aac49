import assert from 'node:assert/strict'
import { test } from 'node:test'
import { computeAnswers } from '../../src/steering/answers.ts'
import { fittedTable, uniformTable } from '../../src/steering/uniform.ts'

const location = { lat: 0, lon: 0 }
const regions = (...names: string[]) => names.map((name) => ({ name, location }))

test('the uniform table gives everyone the first healthy region, and covers every address', () => {
  const table = uniformTable(regions('a', 'b', 'c'))
  const to = (availability: Parameters<typeof computeAnswers>[1]) =>
    [...computeAnswers(table, availability).nets()].map(({ value }) => value)
  assert.deepEqual(to({}), [0, 0, 0, 0])
  assert.deepEqual(to({ a: { kind: 'unreachable' } }), [1, 1, 1, 1])
  const none = { a: { kind: 'unreachable' }, b: { kind: 'unreachable' }, c: { kind: 'unhealthy' } } as const
  assert.deepEqual(to(none), [2, 2, 2, 2])
})

test('an older table fits other regions: removed ones leave its rankings, added ones come last', () => {
  const old = { ...uniformTable(regions('a', 'b', 'c')), rankings: [Uint8Array.of(2, 0, 1)] }
  const now = regions('new', 'c', 'a')
  const fitted = fittedTable(old, now)
  assert.deepEqual(
    [...fitted.rankings[0]!].map((index) => fitted.regions[index]!.name),
    ['c', 'a', 'new'],
  )
  assert.equal(fittedTable(old, old.regions), old)
})
