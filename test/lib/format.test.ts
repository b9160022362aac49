import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, clock, count, duration, list, milliseconds, rate, shownPath } from '../../src/lib/format.ts'

test('a duration has at most two units, and never 60 of one', () => {
  const said = [0, 0.04, 9.94, 9.96, 59.4, 59.6, 60, 3599.6, 3600, 86_399, 90_061].map(duration)
  assert.deepEqual(said, [
    '0.0 s',
    '0.0 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min',
    '1 min',
    '1 h',
    '1 h',
    '23 h 59 min',
    '1 d 1 h',
  ])
  assert.equal(duration(-1), '0.0 s')
})

test('1,000 milliseconds become a second', () => {
  assert.deepEqual([0.04, 9.96, 999, 1000, 61_000].map(milliseconds), [
    '0.0 ms',
    '10 ms',
    '999 ms',
    '1.0 s',
    '1 min 1 s',
  ])
})

test('byte units are powers of 1,024, and 1,024 of one become 1 of the next', () => {
  assert.deepEqual([0, 120, 1023, 1024, 1023.9 * 1024, 268_435_456, 3 * 1024 ** 5].map(bytes), [
    '0 B',
    '120 B',
    '1023 B',
    '1.0 KB',
    '1.0 MB',
    '256 MB',
    '3072 TB',
  ])
})

test('a small rate has few digits', () => {
  assert.deepEqual([0, 0.04, 3.14, 12.6, 3400].map(rate), ['0', '0.0', '3.1', '13', '3,400'])
})

test('a time includes its date unless that is today', () => {
  const now = new Date(2026, 4, 7, 15, 0, 0).getTime()
  assert.equal(clock(new Date(2026, 4, 7, 1, 2, 3).getTime(), now), '01:02:03')
  assert.equal(clock(new Date(2026, 4, 7, 1, 2, 3, 45).getTime(), now, true), '01:02:03.045')
  assert.equal(clock(new Date(2026, 4, 6, 1, 2, 3).getTime(), now), '2026-05-06 01:02:03')
})

test('lists and counts read as English', () => {
  assert.deepEqual(
    [[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map((words) => list(words)),
    ['', 'a', 'a and b', 'a, b and c'],
  )
  assert.deepEqual(
    [count(1, 'region'), count(2, 'region'), count(2, 'process', 'processes')],
    ['1 region', '2 regions', '2 processes'],
  )
})

test('paths are shown in their shortest form', () => {
  assert.equal(shownPath('/a/b/c.yaml', '/a/b'), 'c.yaml')
  assert.equal(shownPath('/abc/c.yaml', '/abc/b'), '../c.yaml')
  assert.equal(shownPath('/z/c.yaml', '/a/b/d'), '/z/c.yaml')
})
