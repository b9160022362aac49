import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { guarantees } from '../src/lab/checker/guarantees.ts'

const home = join(import.meta.dirname, '..')
const page = readFileSync(join(home, 'docs/internals/guarantees.md'), 'utf8')
/** Items on one line each: a title may be broken over two. */
const text = page.replaceAll(/\n {2}(?=\S)/g, ' ')

/** `…` stands for anything, in the page as in a title that is put together. */
const like = (title: string) =>
  new RegExp(
    title
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  )

test('the guarantees name files that there are, and titles that stand in them', () => {
  const named = [...text.matchAll(/`(test\/[^`]+\.ts)`(?:: ((?:“.+?”(?=[,; |.(]|$)(?:, )?)+))?/gm)]
  let titles = 0
  for (const [, file, list = ''] of named) {
    assert.ok(existsSync(join(home, file!)), file)
    const source = readFileSync(join(home, file!), 'utf8')
    for (const [, title] of list.matchAll(/“(.+?)”(?=[,; |.(]|$)/g)) {
      titles += 1
      assert.match(source, like(title!), file)
    }
  }
  // Should the page be written in another way, this must not hold for want of anything to look at.
  assert.ok(named.length > 40 && titles > 50, `${named.length} files, ${titles} titles`)
})

test('a check that is named in brackets is a check of the checker', () => {
  const named = [...text.matchAll(/\(`([a-z]+(?:-[a-z]+)+)`\)/g)].map(([, id]) => id!)
  assert.deepEqual(
    named.filter((id) => !(id in guarantees)),
    [],
  )
  assert.ok(named.length >= 3, named.join(', '))
})

test('each guarantee is a promise of one sentence, tests that show it, and a list of its limits', () => {
  const sections = text.split(/^## /m).filter((section) => /^\d+\. /.test(section))
  assert.ok(sections.length >= 11, String(sections.length))
  for (const section of sections) {
    const title = section.slice(0, section.indexOf('\n'))
    const promise = /^\*\*Promise\.\*\* ([\s\S]+?)\n\n/m.exec(section)?.[1] ?? ''
    assert.match(promise, /\.$/, title)
    assert.doesNotMatch(promise, /[.!?] [A-Z`]/, `${title}: more than one sentence`)
    assert.match(section, /^\| `test\//m, `${title}: no test`)
    const limits = section.split('**Limits.**\n')[1] ?? ''
    assert.match(limits, /^- /, `${title}: no limits`)
    // Nothing but items, and their further lines.
    for (const line of limits.trimEnd().split('\n')) assert.match(line, /^- \S/, `${title}: ${line}`)
  }
})
