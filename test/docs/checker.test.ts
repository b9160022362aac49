import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guarantees } from '../../src/lab/checker/guarantees.ts'
import { pages } from './pages.ts'

test('the page about the checker has every check by the title that drills print', () => {
  const page = pages.get('docs/internals/checker.md') ?? ''
  const rows = [...page.matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].map(([, title]) => title!)
  // Those on the primary are counted separately, and explained below the table.
  const titles = Object.entries(guarantees).flatMap(([id, { title }]) =>
    id.endsWith('-on-primary') ? [] : [title],
  )
  for (const title of titles) assert.ok(rows.includes(title), title)
  assert.equal(rows.filter((row) => row !== 'check' && !/^-+$/.test(row)).length, titles.length)
})
