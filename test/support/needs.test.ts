import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsEngines, testFiles } from './needs.ts'

test('a test that starts an engine, a world or a network of its own is told from one that does not', () => {
  for (const file of ['world/shop', 'lab/lab', 'cli/lab/interrupt', 'engines/haproxy/routing', 'world/trial'])
    assert.ok(needsEngines(`test/${file}.test.ts`), file)
  for (const file of [
    'support/needs',
    'failover/decide',
    'agent/coordination/loop',
    'cli/main',
    'topology/rules',
  ])
    assert.ok(!needsEngines(`test/${file}.test.ts`), file)
})

test('most tests need no engine, and are in the inner loop', () => {
  const files = testFiles()
  const quick = files.filter((file) => !needsEngines(file))
  assert.ok(quick.length > files.length / 2, `${quick.length} of ${files.length}`)
})
