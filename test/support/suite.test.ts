import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from './sandboxed.ts'
import { worldPlaces } from './world/world-lock.ts'

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

/** Makes a file count as one with a world, without starting one. */
const aWorld = `// start${'World'}()`

test('parallel files are reported one after another', () => {
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

test('a limited number of worlds runs at a time, in parallel with other tests', () => {
  const start = `import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
    const until = async (holds) => { while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10)) }
    const file = (name) => new URL(name, import.meta.url)`
  const world = (name: string) => `${aWorld}\n${start}
    test('next to the other, and at most ${worldPlaces}', async () => {
      writeFileSync(file('running-${name}'), '')
      const running = readdirSync(file('.')).filter((one) => one.startsWith('running-'))
      if (running.length > ${worldPlaces}) throw new Error(running.join(' '))
      await until(() => existsSync(file('there')))
      rmSync(file('running-${name}'))
    })`
  const other = `${start}\ntest('there', () => writeFileSync(file('there'), ''))`
  const worlds = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, world(name)]))
  const { status, said } = run(folderOf({ ...worlds, other }), worldPlaces + 1)
  assert.equal(status, 0, said)
})

test('a failure anywhere fails the run and is reported again at the end', () => {
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

test('a pattern without a file is an error', () => {
  const { status, said } = run(folderOf({}), 2)
  assert.equal(status, 1)
  assert.match(said, /no test file matches .*\*\.test\.mjs/)
})

test('tests without a world leave the processors to worlds', () => {
  const priority = `import { getPriority } from 'node:os'
    test('priority', (t) => t.diagnostic('priority ' + getPriority()))`
  const { status, said } = run(folderOf({ world: `${aWorld}\n${priority}`, other: priority }), 1)
  assert.equal(status, 0, said)
  const own = getPriority()
  assert.deepEqual([...said.matchAll(/priority (-?\d+)/g)].map(([, n]) => Number(n)).sort(), [
    own,
    Math.max(own, 5),
  ])
})
