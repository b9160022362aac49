import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderDecisionIndex } from '../../scripts/docs/decisions.ts'
import { pages } from './pages.ts'

test('docs/decisions/README.md lists every decision with date and status (run: npm run docs)', () => {
  const index = pages.get('docs/decisions/README.md') ?? ''
  assert.equal(index, renderDecisionIndex())
  assert.ok(index.split('\n').filter((line) => /^\| \d+ \| \[/.test(line)).length > 15)
})
