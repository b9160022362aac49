import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Machine, machine } from './machine.ts'

/** A package that npm has installed, in a prefix that its user cannot write. */

const locked: string[] = []
after(() => {
  for (const folder of locked) execFileSync('chmod', ['-R', 'u+w', folder])
})

function installed(): Machine {
  const made = machine({}, 'package')
  execFileSync('chmod', ['-R', 'a-w', made.checkout])
  locked.push(made.checkout)
  return made
}

const programs = (made: Machine) => made.calls().map((call) => call.split(' ')[0]!)
const launcher = (made: Machine) => join(made.checkout, 'bin', 'nearside')

test('an installed package installs no npm packages and writes nothing into its folder', async () => {
  const made = installed()
  const before = readdirSync(made.checkout, { recursive: true }).sort()
  const user = made.subordinateIds === undefined ? 'root' : 'ordinary'
  const { status, stdout, stderr } = await made.run([launcher(made), 'check', 'two words'], { user })
  assert.equal(status, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), [realpathSync(made.folder), 'check', 'two words'])
  assert.ok(!programs(made).includes('npm'), made.calls().join('\n'))
  assert.match(stderr, /engines: done/)
  assert.doesNotMatch(stderr, /npm packages/)
  assert.deepEqual(readdirSync(made.checkout, { recursive: true }).sort(), before)
})

test('its second command does none of it, also through the link that npm makes on the PATH', async () => {
  const made = installed()
  const link = join(made.folder, 'nearside')
  symlinkSync(launcher(made), link)
  const { status, stderr } = await made.run([link])
  assert.equal(status, 0, stderr)
  made.forgetCalls()
  const second = await made.run([link, 'status'])
  assert.deepEqual([second.status, second.stderr], [0, ''])
  assert.deepEqual(programs(made).sort(), ['cat', 'readlink', 'sha256sum'])
})

test('another version sets up again, without reinstalling what both need', async () => {
  const made = machine({}, 'package')
  assert.equal((await made.run([launcher(made)])).status, 0)
  const file = join(made.checkout, 'package.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace('{', '{"version":"9.9.9",'))
  made.forgetCalls()
  const { status, stderr } = await made.run([launcher(made)])
  assert.equal(status, 0, stderr)
  assert.deepEqual(
    programs(made).filter((name) => ['npm', 'mmdebstrap'].includes(name)),
    [],
  )
})

test('a built clone still runs its TypeScript', async () => {
  const made = machine()
  mkdirSync(join(made.checkout, 'dist/cli'), { recursive: true })
  writeFileSync(join(made.checkout, 'dist/cli/main.js'), 'throw new Error("the build of last week")')
  const { status, stderr } = await made.run([launcher(made), 'check'])
  assert.equal(status, 0, stderr)
})
