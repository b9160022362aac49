import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from './sandboxed.ts'

const suite = join(import.meta.dirname, 'suite.ts')

/** Writes these files to a new folder; each can use `test`. */
function folderOf(files: Record<string, string>): string {
  const folder = temporaryFolder('suite')
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, `${name}.test.mjs`), `import { test } from 'node:test'\n${text}\n`)
  return folder
}

function run(folder: string, places: number) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = [suite, '--places', String(places), '--timeout', '60000', join(folder, '*.test.mjs')]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}`, lines: stdout.split('\n') }
}

/** Puts a file into the queue of worlds without starting one. */
const aWorld = `// start${'World'}()`

test('both queues are reported as one, with the output of each file in one block', () => {
  const slow = (name: string) => `
    test('${name} begins', (t) => new Promise((resolve) => setTimeout(resolve, 200)))
    test('${name} ends', (t) => t.diagnostic('${name} said'))`
  const folder = folderOf({ world: `${aWorld}${slow('world')}`, other: slow('other') })
  const { status, said, lines } = run(folder, 2)
  assert.equal(status, 0, said)
  for (const name of ['world', 'other']) {
    const at = lines.findIndex((line) => line.includes(`${name} begins`))
    assert.match(lines[at + 1]!, new RegExp(`${name} ends`))
    assert.match(lines[at + 2]!, new RegExp(`${name} said`))
  }
  assert.match(said, /tests 4\n.*suites 0\n.*pass 4\n.*fail 0\n/)
})

test('worlds go one by one, others at the same time', () => {
  const start = `import { existsSync, rmSync, writeFileSync } from 'node:fs'
    const until = async (holds) => { while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10)) }
    const file = (name) => new URL(name, import.meta.url)`
  const world = `${aWorld}\n${start}
    test('alone, next to the other', async () => {
      writeFileSync(file('world'), '', { flag: 'wx' })
      await until(() => existsSync(file('there')))
      rmSync(file('world'))
    })`
  const other = `${start}\ntest('there', () => writeFileSync(file('there'), ''))`
  const { status, said } = run(folderOf({ a: world, b: world, other }), 2)
  assert.equal(status, 0, said)
})

test('a failure in either queue fails the run and is repeated at the end', () => {
  const failing = `test('this one fails', () => { throw new Error('on purpose') })`
  const passing = `test('fine', () => {})`
  for (const [world, other] of [
    [failing, passing],
    [passing, failing],
  ] as const) {
    const { status, said } = run(folderOf({ world: `${aWorld}\n${world}`, other }), 2)
    assert.equal(status, 1, said)
    assert.match(said, /fail 1\n[\s\S]*failing tests:[\s\S]*this one fails[\s\S]*on purpose/)
  }
  assert.equal(run(folderOf({ crashing: 'process.exit(3)', fine: passing }), 2).status, 1)
})

test('a pattern without files is an error', () => {
  const { status, said } = run(folderOf({}), 2)
  assert.equal(status, 1)
  assert.match(said, /no test file matches .*\*\.test\.mjs/)
})
