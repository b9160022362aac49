import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const src = join(import.meta.dirname, '../src')

/** Files that need the wall clock: they pass a time to another process or compare it with a stored one. */
const wallClock = [
  'agent/traffic/steering-tables.ts',
  'lab/history.ts',
  'lab/users/job.ts',
  'lab/workloads/orders/orders.ts',
]

test('no duration or deadline uses the wall clock, which can be set at any time', () => {
  const measuring = /Date\.now\(\)\s*[-+<>]|[-+<>]=?\s*Date\.now\(\)/
  const found = globSync('**/*.ts', { cwd: src }).filter(
    (file) => !wallClock.includes(file) && measuring.test(readFileSync(join(src, file), 'utf8')),
  )
  assert.deepEqual(found, [], 'use performance.now()')
})
