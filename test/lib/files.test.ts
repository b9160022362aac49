import assert from 'node:assert/strict'
import { chmodSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../../src/lib/files.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

test('a folder is made with those above it, for its owner alone; one that is there stays', () => {
  const folder = join(temporaryFolder('files'), 'a/b')
  makeFolder(folder, 0o700)
  chmodSync(folder, 0o750)
  makeFolder(folder, 0o700)
  assert.equal(statSync(folder).mode & 0o777, 0o750)
  assert.equal(statSync(join(folder, '..')).mode & 0o777, 0o700)
})

test('what refuses is told as what it is', () => {
  // Nobody makes folders there: /proc refuses with ENOENT by itself, /sys with EPERM or as read-only.
  assert.ok(existsSync('/sys/kernel'))
  assert.throws(() => makeFolder('/sys/kernel/nearside/world', 0o700), { code: /^(EPERM|EACCES|EROFS)$/ })
})
