import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments } from '../../bench/arguments.ts'

const known = ['edge', 'dns']

test('nothing and `all` mean every one; names are taken in the order of the document', () => {
  assert.deepEqual(readArguments([], known).names, known)
  assert.deepEqual(readArguments(['dns', 'all'], known).names, known)
  assert.deepEqual(readArguments(['dns', 'edge'], known).names, known)
  assert.deepEqual(readArguments(['dns'], known).names, ['dns'])
})

test('rounds have each benchmark’s own default, the seed is always the same one unless said', () => {
  const { runs, seed } = readArguments(['dns'], known)
  assert.deepEqual({ runs, seed }, { runs: undefined, seed: 1 })
  assert.deepEqual(readArguments(['--runs', '3', '--seed=7'], known), {
    ...{ names: known, runs: 3, seed: 7 },
    ...{ json: false, write: false, help: false },
  })
})

test('what is wrong is said', () => {
  for (const [words, message] of [
    [['dnss'], /no benchmark is called dnss/],
    [['--runs', '0'], /--runs: expected a whole number from 1, such as 3, got "0"/],
    [['--runs', ''], /--runs/],
    [['--seed', 'x'], /--seed: expected a whole number from 0, such as 3, got "x"/],
    [['--nonsense'], /nonsense/],
  ] as const)
    assert.throws(() => readArguments(words, known), message)
})
