import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../support/sandboxed.ts'
import { type Machine, machine } from './machine.ts'

/** A mmdebstrap that says when it has begun and goes on when it is told to. */
const PAUSES =
  'touch "$MACHINE/building"; while ! test -e "$MACHINE/go"; do test -e "$MACHINE/building" || exit 1; sleep 0.02; done; cat "$MACHINE/root.tar"'
const building = (made: Machine) =>
  until('mmdebstrap to begin', () => existsSync(join(made.folder, 'building')))
const go = (made: Machine) => writeFileSync(join(made.folder, 'go'), '')
/** The set-up itself, as the launcher starts it: a terminal would signal both. */
const setUp = (made: Machine) =>
  made.start([process.execPath, join(made.checkout, 'setup', 'main.mjs'), 'key'])
const builds = (made: Machine) => made.calls().filter((call) => call.startsWith('mmdebstrap'))

test('two set-ups at once: one builds, the other waits, says so, and finds everything there', async () => {
  const made = machine()
  made.stub('mmdebstrap', PAUSES)
  const launcher = [join(made.checkout, 'bin', 'nearside')]
  const first = made.start(launcher)
  await building(made)
  const second = made.start(launcher)
  await until('the second to wait', () =>
    /another set-up is at work \(process \d+\); waiting/.test(second.stderr()),
  )
  go(made)
  for (const { status, stderr } of await Promise.all([first.ended, second.ended]))
    assert.equal(status, 0, stderr)
  assert.equal(builds(made).length, 1)
  assert.deepEqual(made.leftovers(), [])
})

test('a set-up killed while it builds blocks nobody, and the next one clears up after it', async () => {
  const made = machine()
  made.stub('mmdebstrap', PAUSES)
  const first = setUp(made)
  await building(made)
  first.kill('SIGKILL')
  await first.ended
  assert.equal(existsSync(made.engineRoot), false)
  go(made)
  const { status, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
  assert.deepEqual(readdirSync(made.engineRoot).sort(), ['etc', 'manifest.json', 'usr'])
  assert.deepEqual(made.leftovers(), [])
})

test('what a set-up of yesterday left half built goes away', async () => {
  const made = machine()
  for (const end of ['.making-999999', '.making-999999-scratch'])
    mkdirSync(join(`${made.engineRoot}${end}`, 'usr'), { recursive: true })
  const { status, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
  assert.deepEqual(made.leftovers(), [])
})

test('interrupted, it clears up itself, says so and ends as a shell expects', async () => {
  const expected = { SIGINT: 130, SIGTERM: 143 } as const
  for (const [signal, status] of Object.entries(expected) as [keyof typeof expected, number][]) {
    const made = machine()
    made.stub('mmdebstrap', PAUSES)
    const started = setUp(made)
    await building(made)
    started.kill(signal)
    const ended = await started.ended
    assert.equal(ended.status, status, ended.stderr)
    assert.match(ended.stderr, /interrupted; type the same command again to go on/)
    assert.equal(existsSync(made.engineRoot), false)
    assert.deepEqual(made.leftovers(), [])
  }
})

test('interrupted while it waits for another set-up, it ends at once', async () => {
  const made = machine()
  made.stub('mmdebstrap', PAUSES)
  const first = setUp(made)
  await building(made)
  const second = setUp(made)
  await until('the second to wait', () => second.stderr().includes('waiting'))
  second.kill('SIGINT')
  assert.equal((await second.ended).status, 130)
  go(made)
  assert.equal((await first.ended).status, 0)
})

test('a mmdebstrap that hangs up its process group, as it does when it cannot write, hangs up nobody else', async () => {
  const made = machine()
  made.stub('mmdebstrap', 'echo "W: creating tarball failed" >&2; trap "" HUP; kill -HUP 0; exit 1')
  const { status, signal, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.deepEqual([status, signal], [1, null], stderr)
  assert.match(stderr, /W: creating tarball failed/)
})
