import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderCliReference } from '../../scripts/docs/cli.ts'

test('docs/reference/cli.md is what the commands’ help says (run: npm run docs)', async () => {
  const page = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')
  assert.equal(page, await renderCliReference())
  // An empty help would equal an empty page.
  for (const part of ['## nearside up', '## nearside lab users', '--small-disk <region=size...>'])
    assert.ok(page.includes(part), part)
})
