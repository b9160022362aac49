import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../support/sandboxed.ts'
import { type Machine, machine } from './machine.ts'

/** An mmdebstrap that signals its start and waits until it may continue. */
const PAUSES =
  'touch "$MACHINE/building"; while ! test -e "$MACHINE/go"; do test -e "$MACHINE/building" || exit 1; sleep 0.02; done; cat "$MACHINE/root.tar"'
const building = (made: Machine) =>
  until('mmdebstrap to begin', () => existsSync(join(made.folder, 'building')))
const go = (made: Machine) => writeFileSync(join(made.folder, 'go'), '')
/** The set-up itself, as started by the launcher: a terminal would signal both. */
const setUp = (made: Machine) =>
  made.start([process.execPath, join(made.checkout, 'setup', 'main.mjs'), 'a'.repeat(64)])
const builds = (made: Machine) => made.calls().filter((call) => call.startsWith('mmdebstrap'))

test('concurrent set-ups: one builds, the other reports that it waits, and finds everything installed', async () => {
  const made = machine()
  made.stub('mmdebstrap', PAUSES)
  const launcher = [join(made.checkout, 'bin', 'nearside')]
  const first = made.start(launcher)
  await building(made)
  const second = made.start(launcher)
  await until('the second to wait', () => /waiting for another set-up \(process \d+\)/.test(second.stderr()))
  go(made)
  for (const { status, stderr } of await Promise.all([first.ended, second.ended]))
    assert.equal(status, 0, stderr)
  assert.equal(builds(made).length, 1)
  assert.deepEqual(made.leftovers(), [])
})

test('a set-up killed during the build blocks no other, and the next one cleans up', async () => {
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

test('an unfinished build of an earlier set-up is removed', async () => {
  const made = machine()
  for (const end of ['.making-999999', '.making-999999-scratch'])
    mkdirSync(join(`${made.engineRoot}${end}`, 'usr'), { recursive: true })
  const { status, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
  assert.deepEqual(made.leftovers(), [])
})

test('on an interrupt, it cleans up, reports it and exits as a shell expects', async () => {
  const expected = { SIGINT: 130, SIGTERM: 143 } as const
  for (const [signal, status] of Object.entries(expected) as [keyof typeof expected, number][]) {
    const made = machine()
    made.stub('mmdebstrap', PAUSES)
    const started = setUp(made)
    await building(made)
    started.kill(signal)
    const ended = await started.ended
    assert.equal(ended.status, status, ended.stderr)
    assert.match(ended.stderr, /interrupted; run the same command again to continue/)
    assert.equal(existsSync(made.engineRoot), false)
    assert.deepEqual(made.leftovers(), [])
  }
})

test('on an interrupt while waiting for another set-up, it exits immediately', async () => {
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

test('an mmdebstrap that sends SIGHUP to its process group, as it does when it cannot write, affects nothing else', async () => {
  const made = machine()
  made.stub('mmdebstrap', 'echo "W: creating tarball failed" >&2; trap "" HUP; kill -HUP 0; exit 1')
  const { status, signal, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.deepEqual([status, signal], [1, null], stderr)
  assert.match(stderr, /W: creating tarball failed/)
})
