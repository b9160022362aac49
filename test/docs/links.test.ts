import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { anchorsOf, home, linksOf, pages } from './pages.ts'

/** The page or file that a link of `from` leads to. */
const targetOf = (from: string, path: string) => (path === '' ? from : normalize(join(dirname(from), path)))

test('every relative link leads to a file, and every anchor to a heading of it', () => {
  const broken: string[] = []
  let seen = 0
  for (const [file, text] of pages)
    for (const { path, anchor } of linksOf(text)) {
      seen += 1
      const target = targetOf(file, path)
      if (!existsSync(join(home, target))) broken.push(`${file}: ${path}`)
      else if (anchor !== undefined && !anchorsOf(pages.get(target) ?? '').has(anchor))
        broken.push(`${file}: ${path}#${anchor}`)
    }
  assert.deepEqual(broken, [])
  assert.ok(seen > 100, `${seen} links`)
})

test('every link to a file on GitHub leads to one that exists here', () => {
  let seen = 0
  for (const [file, text] of pages)
    for (const [, path] of text.matchAll(
      /https:\/\/github\.com\/nearside\/nearside\/blob\/main\/([^)\s#]+)/g,
    )) {
      seen += 1
      assert.ok(existsSync(join(home, path!)), `${file}: ${path}`)
    }
  assert.ok(seen >= 3, `${seen} links`)
})

test('every page of docs/ can be reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const file of reached)
    for (const { path } of linksOf(pages.get(file) ?? '')) {
      const target = targetOf(file, path)
      const page = pages.has(target) ? target : join(target, 'README.md')
      if (pages.has(page)) reached.add(page)
    }
  assert.deepEqual(
    [...pages.keys()].filter((file) => file.startsWith('docs/') && !reached.has(file)),
    [],
  )
})

test('pages that source files and commands name exist', () => {
  const sources = globSync('{src,test,bench,scripts,setup,examples,bin}/**/*', {
    cwd: home,
    exclude: (path) => /(^|\/)(golden|node_modules|\.nearside)(\/|$)/.test(path),
  }).filter((file) => /\.(ts|mts|mjs|cjs|c|h|sh|css|js)$|^bin\//.test(file))
  let seen = 0
  // Not those of an address, or of a longer path.
  for (const file of sources)
    for (const [, named] of readFileSync(join(home, file), 'utf8').matchAll(
      /(?<![\w/.-])(docs\/[\w./-]*\w)/g,
    )) {
      seen += 1
      // A decision may be named by its number alone.
      const found = globSync([named!, `${named}-*.md`], { cwd: home })
      assert.ok(found.length > 0, `${file}: ${named}`)
    }
  assert.ok(seen > 10, `${seen} mentions`)
})
