import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const src = join(import.meta.dirname, '../src')

/** Where the wall clock is meant: a moment is told to another process, or compared with one that it wrote down. */
const meant = ['lab/history.ts', 'lab/users/job.ts', 'lab/workloads/orders/orders.ts']

test('no duration and no deadline is measured by the wall clock, which may be set', () => {
  const measuring = /Date\.now\(\)\s*[-+<>]|[-+<>]=?\s*Date\.now\(\)/
  const found = globSync('**/*.ts', { cwd: src }).filter(
    (file) => !meant.includes(file) && measuring.test(readFileSync(join(src, file), 'utf8')),
  )
  assert.deepEqual(found, [], 'use performance.now()')
})
