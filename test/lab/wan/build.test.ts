import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { buildProgram } from '../../../src/lab/wan/build.ts'
import { NearsideError } from '../../../src/lib/errors.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const root = locateEngineRoot().path

async function project(text: string) {
  const folder = temporaryFolder('build')
  await writeFile(join(folder, 'main.c'), text)
  const cache = temporaryFolder('cache')
  const build = () =>
    buildProgram({ name: 'greet', sourceFolder: folder, root, env: { XDG_CACHE_HOME: cache } })
  return { folder, cache, build, built: () => readdirSync(join(cache, 'nearside')) }
}

const greeting = (word: string) => `#include <stdio.h>\nint main(void) { puts("${word}"); return 0; }\n`

test('a program is compiled once by any number of concurrent builders, and again when its source changes', async () => {
  const { folder, build, built } = await project(greeting('hello'))
  const programs = await Promise.all([build(), build(), build()])
  assert.equal(new Set(programs).size, 1)
  assert.equal(execFileSync(programs[0]!, { encoding: 'utf8' }), 'hello\n')
  assert.equal(built().length, 1, 'temporary files are gone')
  await writeFile(join(folder, 'main.c'), greeting('goodbye'))
  assert.equal(execFileSync(await build(), { encoding: 'utf8' }), 'goodbye\n')
  assert.equal(built().length, 2)
})

test('an error or warning of the compiler is reported and leaves nothing', async () => {
  const { build, built } = await project('int main(void) { int unused; return 0; }\n')
  await assert.rejects(
    build(),
    (error) =>
      error instanceof NearsideError && error.code === 'wan_build' && /unused variable/.test(error.message),
  )
  assert.deepEqual(built(), [])
})

test('the next build removes the remains of killed builds and spares running ones', async () => {
  const { build, built, cache } = await project(greeting('hello'))
  const abandoned = (pid: number) => join(cache, 'nearside', `greet-0123456789ab.making-${pid}-00ff`)
  // Process ids end at 2^22.
  for (const pid of [process.pid, 5_000_000]) await mkdir(abandoned(pid), { recursive: true })
  await build()
  assert.ok(built().includes(basename(abandoned(process.pid))))
  assert.ok(!built().includes(basename(abandoned(5_000_000))))
})
