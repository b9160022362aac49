import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder, openPrivately } from '../../src/lib/files.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

test('a folder is made with its parents, for its owner only; an existing one stays as it is', () => {
  const folder = join(temporaryFolder('files'), 'a/b')
  makeFolder(folder, 0o700)
  chmodSync(folder, 0o750)
  makeFolder(folder, 0o700)
  assert.equal(statSync(folder).mode & 0o777, 0o750)
  assert.equal(statSync(join(folder, '..')).mode & 0o777, 0o700)
})

test('an error names its real cause', () => {
  // These refuse every mkdir: /proc with ENOENT, /sys with EPERM or as read-only.
  assert.ok(existsSync('/sys/kernel'))
  assert.throws(() => makeFolder('/sys/kernel/nearside/world', 0o700), { code: /^(EPERM|EACCES|EROFS)$/ })
})

test('a private file is private even if it existed before, and never follows a symbolic link', async () => {
  const folder = temporaryFolder('files')
  const [file, link] = [join(folder, 'a'), join(folder, 'b')]
  writeFileSync(file, 'readable by others', { mode: 0o644 })
  const opened = await openPrivately(file)
  await opened.writeFile('mine')
  await opened.close()
  assert.deepEqual([readFileSync(file, 'utf8'), statSync(file).mode & 0o777], ['mine', 0o600])
  symlinkSync(file, link)
  await assert.rejects(openPrivately(link), { code: 'ELOOP' })
  assert.equal(readFileSync(file, 'utf8'), 'mine')
})
