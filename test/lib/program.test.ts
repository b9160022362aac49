import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProgramPath, modulePath } from '../../src/lib/program.ts'

test('a module is found with the extension of the calling module', () => {
  assert.equal(modulePath('../agent/main', 'file:///n/src/world/agents.ts'), '/n/src/agent/main.ts')
  assert.equal(
    modulePath('./keeper', 'file:///my%20prefix/dist/agent/release/run.js'),
    '/my prefix/dist/agent/release/keeper.js',
  )
})

test('a program is known in a clone and in an installed package, and nothing else is taken for it', () => {
  for (const word of [
    'src/cli/main.ts',
    '/opt/nearside/src/cli/main.ts',
    '/usr/lib/node_modules/nearside/dist/cli/main.js',
  ])
    assert.ok(isProgramPath(word, 'cli/main'), word)
  for (const word of [
    '/opt/nearside/src/cli/main.js',
    '/opt/other/cli/main.ts',
    '/opt/nearside/src/agent/main.ts',
    '/opt/mysrc/cli/main.ts',
    'main.ts',
  ])
    assert.ok(!isProgramPath(word, 'cli/main'), word)
})
