import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments } from '../../bench/arguments.ts'

const known = ['edge', 'dns']

test('no name and `all` mean every benchmark; names are sorted like the document', () => {
  assert.deepEqual(readArguments([], known).names, known)
  assert.deepEqual(readArguments(['dns', 'all'], known).names, known)
  assert.deepEqual(readArguments(['dns', 'edge'], known).names, known)
  assert.deepEqual(readArguments(['dns'], known).names, ['dns'])
})

test('runs default per benchmark, and the seed has a fixed default', () => {
  const { runs, seed } = readArguments(['dns'], known)
  assert.deepEqual({ runs, seed }, { runs: undefined, seed: 1 })
  assert.deepEqual(readArguments(['--runs', '3', '--seed=7'], known), {
    ...{ names: known, runs: 3, seed: 7 },
    ...{ json: false, write: false, help: false },
  })
})

test('invalid arguments are refused with the expectation', () => {
  for (const [words, message] of [
    [['dnss'], /unknown benchmark dnss; expected .* or all/],
    [['--runs', '0'], /--runs: expected a whole number from 1, such as 3, got "0"/],
    [['--runs', ''], /--runs/],
    [['--seed', 'x'], /--seed: expected a whole number from 0, such as 3, got "x"/],
    [['--nonsense'], /nonsense/],
  ] as const)
    assert.throws(() => readArguments(words, known), message)
})

test('a name also selects those that begin with it', () => {
  const all = ['edge', 'edge-cache', 'dns', 'edges']
  assert.deepEqual(readArguments(['edge'], all).names, ['edge', 'edge-cache'])
  assert.deepEqual(readArguments(['edge-cache'], all).names, ['edge-cache'])
})
