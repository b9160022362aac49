import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rotateOnce } from '../../../src/agent/supervision/log-rotation.ts'
import type { Region } from '../../../src/topology/regions.ts'
import type { WorldHandle } from '../../../src/world/handle.ts'
import { logFiles } from '../../../src/world/logs/files.ts'
import { Follower } from '../../../src/world/logs/follow.ts'
import { tailOf } from '../../../src/world/logs/tail.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)

test('the last lines of a long file are read from its end', async () => {
  const file = join(temporaryFolder('logs'), 'a.log')
  writeFileSync(file, `${lines(0, 50_000).join('\n')}\n`)
  assert.deepEqual(await tailOf(file, 3), lines(49_997, 50_000))
  assert.equal((await tailOf(file, 100_000)).length, 50_000)
  assert.deepEqual(await tailOf(file, 0), [])
})

test('a last line without a newline counts; a missing file has no lines', async () => {
  const folder = temporaryFolder('logs')
  writeFileSync(join(folder, 'a.log'), 'one\ntwo: no end')
  assert.deepEqual(await tailOf(join(folder, 'a.log'), 5), ['one', 'two: no end'])
  assert.deepEqual(await tailOf(join(folder, 'b.log'), 5), [])
})

test('a follower gets each complete line once, also across a rotation', async () => {
  const folder = temporaryFolder('logs')
  const file = join(folder, 'a.log')
  writeFileSync(file, 'old\n')
  const follower = new Follower(file, 4)
  appendFileSync(file, 'one\ntw')
  assert.deepEqual(await follower.next(), ['one'])
  appendFileSync(file, 'o\nthree\n')
  await rotateOnce(folder, 1)
  appendFileSync(file, 'four\n')
  assert.deepEqual(await follower.next(), ['two', 'three', 'four'])
  assert.deepEqual(await follower.next(), [])
})

test('a character split between two reads is put together', async () => {
  const file = join(temporaryFolder('logs'), 'a.log')
  const bytes = Buffer.from('grün\n')
  writeFileSync(file, bytes.subarray(0, 3))
  const follower = new Follower(file, 0)
  assert.deepEqual(await follower.next(), [])
  appendFileSync(file, bytes.subarray(3))
  assert.deepEqual(await follower.next(), ['grün'])
})

test('a log truncated without a copy is read from its beginning', async () => {
  const file = join(temporaryFolder('logs'), 'a.log')
  writeFileSync(file, 'one\ntwo\n')
  const follower = new Follower(file, 8)
  truncateSync(file, 0)
  appendFileSync(file, 'new\n')
  copyFileSync(file, `${file}.1`)
  assert.deepEqual(await follower.next(), ['new'])
})

test('a process is found by an existing name, never by a path', () => {
  const folder = temporaryFolder('logs')
  mkdirSync(join(folder, 'us-east', 'log'), { recursive: true })
  for (const name of ['haproxy.log', 'haproxy.log.1', 'agent.log', 'notes.txt'])
    writeFileSync(join(folder, 'us-east', 'log', name), '')
  const record = (app: object) => ({ topology: { app } }) as WorldHandle['record']
  const world = { regionFolder: (region: string) => join(folder, region), record: record({}) }
  const regions = [{ name: 'us-east' }, { name: 'us-west' }] as Region[]
  assert.deepEqual(
    logFiles(world, regions).map((one) => one.process),
    ['agent', 'haproxy'],
  )
  assert.equal(logFiles(world, regions, 'haproxy').length, 1)
  for (const name of ['../../secrets', 'haproxi', 'haproxy.log.1', ''])
    assert.throws(() => logFiles(world, regions, name), { code: 'usage_process_unknown' }, name)
  assert.throws(() => logFiles(world, regions, 'haproxi'), { remedy: 'did you mean haproxy?' })
  assert.throws(() => logFiles(world, regions, 'release'), {
    code: 'no_logs',
    message: 'release: the app has no release command',
    remedy: /app\.release/,
  })
  const releasing = { ...world, record: record({ release: ['true'] }) }
  assert.throws(() => logFiles(releasing, regions, 'release'), { message: /has left no log here/ })
})

test('a tail begins no earlier than the offset it is given, and a rotated log is read as a whole', async () => {
  const file = join(temporaryFolder('logs'), 'a.log')
  writeFileSync(file, 'of an earlier run\nnow\n')
  assert.deepEqual(await tailOf(file, 5, 'of an earlier run\n'.length), ['now'])
  assert.deepEqual(await tailOf(file, 5, 'of an earlier run\nnow\n'.length), [])
  writeFileSync(file, 'after a rotation\n')
  assert.deepEqual(await tailOf(file, 5, 1000), ['after a rotation'])
  // Longer than one chunk that is read at once.
  writeFileSync(file, `old\n${lines(0, 20_000).join('\n')}\n`)
  assert.equal((await tailOf(file, 30_000, 4))[0], 'line 0')
})
