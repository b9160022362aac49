import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import '../support/needs-engines.ts'
import { changed, folder } from '../topology/samples.ts'
import { nearside } from './here.ts'

test('check has PostgreSQL itself check the parameters', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'server.ts'), '')
  const checked = async (parameters: Record<string, unknown>, ...options: string[]) => {
    writeFileSync(join(at, 'nearside.yaml'), stringify(changed({ 'database.parameters': parameters })))
    return nearside(at, ['check', ...options])
  }
  const bad = await checked({ work_mem: 'lots', no_such_thing: 1 })
  assert.equal(bad.code, 1)
  assert.match(bad.stderr, /database\.parameters\.work_mem: .*lots/)
  assert.match(bad.stderr, /database\.parameters\.no_such_thing: /)
  assert.equal((await checked({ work_mem: '8MB' })).code, 0)
  assert.equal((await checked({ work_mem: 'lots' }, '--no-files')).code, 0)
})
