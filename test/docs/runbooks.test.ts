import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { home, pages } from './pages.ts'

const folder = 'docs/operate/runbooks'
const runbooks = [...pages].filter(([file]) => file.startsWith(`${folder}/`))

const headings = (among: (file: string) => boolean) =>
  runbooks
    .filter(([file]) => among(file))
    .flatMap(([, text]) => [...text.matchAll(/^## `([a-z_ ]+)`$/gm)].map(([, code]) => code!))
    .sort()

const matches = (files: string, ...patterns: RegExp[]) => {
  const text = globSync(files, { cwd: home })
    .map((file) => readFileSync(join(home, file), 'utf8'))
    .join('\n')
  const found = patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, code]) => code!))
  return [...new Set(found)].sort()
}

const isDoctor = (file: string) => file.endsWith('/doctor.md')
const isCommands = (file: string) => file.endsWith('/commands.md')

test('every problem that status can show has a runbook, and no other has', () => {
  const codes = matches('src/world/status/*.ts', /\bcode: '([a-z_]+)'/g, /\babout\(\s*'([a-z_]+)'/g)
  // The one code that is put together.
  assert.match(readFileSync(join(home, 'src/world/status/region-health.ts'), 'utf8'), /`region_\$\{/)
  assert.ok(codes.length > 15, codes.join(' '))
  assert.deepEqual(
    headings((file) => !isDoctor(file) && !isCommands(file)),
    [...codes, 'region_unreachable', 'region_unhealthy'].sort(),
  )
})

test('every check of the doctor has a runbook, and no other has', () => {
  const checks = matches('src/{world,lab}/doctor/*.ts', /\bcheck: '([a-z ]+)'/g, /\bok\(\s*'([a-z ]+)'/g)
  assert.ok(checks.length > 10, checks.join(' '))
  assert.deepEqual(headings(isDoctor), checks)
})

test('errors of commands that have a runbook exist', () => {
  const codes = matches('src/**/*.ts', /'([a-z_]+)'/g)
  const named = headings(isCommands)
  assert.ok(named.length > 3)
  for (const code of named) assert.ok(codes.includes(code), code)
})

test('the index leads to every runbook', () => {
  const index = pages.get(`${folder}/README.md`) ?? ''
  for (const [file, text] of runbooks)
    for (const [, code] of text.matchAll(/^## `([a-z_ ]+)`$/gm)) {
      const name = file.slice(folder.length + 1)
      assert.ok(index.includes(`](${name}#${code!.replaceAll(' ', '-')})`), `${name}#${code}`)
    }
})
