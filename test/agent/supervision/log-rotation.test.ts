import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rotateOnce } from '../../../src/agent/supervision/log-rotation.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'

test('a large log is rotated, and its writer continues in the same file', async () => {
  const folder = temporaryFolder('logs')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  writeFileSync(join(folder, 'small.log'), 'small')
  writeFileSync(join(folder, 'not-a-log'), 'x'.repeat(100))
  const writer = openSync(join(folder, 'etcd.log'), 'a')
  try {
    for (let round = 1; round <= 5; round += 1) {
      writeSync(writer, `round ${round} `.repeat(2))
      await rotateOnce(folder, 10)
      assert.equal(read('etcd.log'), '')
      assert.equal(read('etcd.log.1'), `round ${round} `.repeat(2))
    }
    writeSync(writer, 'after')
    assert.equal(read('etcd.log'), 'after')
  } finally {
    closeSync(writer)
  }
  assert.deepEqual(
    [1, 2, 3].map((age) => read(`etcd.log.${age}`)),
    [5, 4, 3].map((round) => `round ${round} `.repeat(2)),
  )
  // At most three older logs; small files and files other than logs are left alone.
  assert.deepEqual(readdirSync(folder).sort(), [
    'etcd.log',
    'etcd.log.1',
    'etcd.log.2',
    'etcd.log.3',
    'not-a-log',
    'small.log',
  ])
  assert.equal(read('small.log'), 'small')
})

test('on a full disk a large log is truncated without a copy, and the older ones stay', async () => {
  const folder = temporaryFolder('logs-full')
  // A child process with its own file system of 256 kB.
  const script = `
    import { rotateOnce } from ${JSON.stringify(new URL('../../../src/agent/supervision/log-rotation.ts', import.meta.url).href)}
    import { readdirSync, statSync, writeFileSync } from 'node:fs'
    const at = (name) => ${JSON.stringify(folder)} + '/' + name
    writeFileSync(at('etcd.log.1'), 'x'.repeat(60_000))
    writeFileSync(at('etcd.log'), 'x'.repeat(150_000))
    writeFileSync(at('knot.log'), 'x'.repeat(20_000))
    await rotateOnce(${JSON.stringify(folder)}, 10_000)
    console.log(JSON.stringify(Object.fromEntries(readdirSync(at('')).sort().map((name) => [name, statSync(at(name)).size]))))`
  const inside = ['--dev-bind', '/', '/', '--size', String(256 * 1024), '--tmpfs', folder]
  const { stdout, stderr } = spawnSync(
    'bwrap',
    [...inside, process.execPath, '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  )
  assert.deepEqual(
    JSON.parse(stdout || 'null'),
    {
      'etcd.log': 0,
      'etcd.log.1': 60_000,
      'knot.log': 0,
      'knot.log.1': 20_000,
    },
    stderr,
  )
})
