import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOpenFiles, thisMachine } from '../../src/lib/machine.ts'

test('the hard limit of open files is read, not the soft one', () => {
  const line = (soft: string, hard: string) =>
    `Limit  Soft  Hard  Units\nMax open files            ${soft}                 ${hard}            files\n`
  assert.equal(parseOpenFiles(line('1024', '20000')), 20_000)
  assert.equal(parseOpenFiles(line('unlimited', 'unlimited')), Infinity)
  assert.equal(parseOpenFiles(''), undefined)
})

test('this machine has files and memory', () => {
  const { openFiles, memoryBytes } = thisMachine()
  assert.ok(openFiles >= 256 && memoryBytes > 64 * 1024 ** 2)
})
