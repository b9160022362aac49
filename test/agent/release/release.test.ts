import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { releaseOnce } from '../../../src/agent/release/release.ts'
import type { KeeperInput } from '../../../src/agent/release/run.ts'
import { runExclusively } from '../../../src/agent/release/run.ts'
import type { ReleaseOutcome } from '../../../src/agent/release/state.ts'
import { allPids, lookAt, sessionOf } from '../../../src/lib/proc.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

test('writing an outcome is retried until it succeeds', async () => {
  const settled: (ReleaseOutcome | undefined)[] = []
  let refusals = 2
  await releaseOnce({
    store: {
      claimRelease: async () => true,
      async settleRelease(_, outcome) {
        if (refusals-- > 0) throw new Error('etcd does not answer')
        settled.push(outcome)
      },
      record: async () => undefined,
    },
    run: 'r1',
    work: async () => ({ kind: 'ok' }),
    eventful: true,
    log,
    stopping: () => false,
  })
  assert.deepEqual(settled, [{ kind: 'ok' }])
})

test('an agent that stops does not keep retrying', async () => {
  let tried = 0
  await releaseOnce({
    store: {
      claimRelease: async () => true,
      async settleRelease() {
        tried += 1
        throw new Error('etcd does not answer')
      },
      record: async () => undefined,
    },
    run: 'r1',
    work: async () => ({ kind: 'ok' }),
    eventful: true,
    log,
    stopping: () => tried > 0,
  })
  assert.equal(tried, 1)
})

describe('a release command and its keeper', () => {
  let server: TestPostgres
  let folder: string
  before(async () => {
    server = await startPostgres()
    folder = temporaryFolder('release')
  })
  after(() => server?.stop())

  const database = (): KeeperInput['database'] => ({
    host: server.host,
    port: server.port,
    user: 'shop',
    database: 'postgres',
  })
  /** Runs the script as the release command; it may use `$name` as a private file. */
  async function start(name: string, script: string) {
    const file = openSync(join(folder, 'release.log'), 'a')
    const env = { PATH: process.env.PATH ?? '', name: join(folder, name) }
    try {
      return await runExclusively({
        database: database(),
        command: { file: 'sh', args: ['-c', script], env, cwd: folder },
        folder,
        mark: { RELEASE_TEST: name },
        log: file,
      })
    } finally {
      closeSync(file)
    }
  }
  const there = (name: string) => until(name, async () => existsSync(join(folder, name)))
  const keeperOf = (name: string) => {
    const pid = allPids().find((one) => lookAt(one)?.variable('RELEASE_TEST') === name)
    assert.ok(pid !== undefined)
    return pid
  }

  test('reports how the command ended', async () => {
    assert.deepEqual(await start('well', 'exit 0'), { kind: 'ok' })
    assert.deepEqual(await start('ill', 'exit 3'), { kind: 'failed', why: 'exit 3' })
    assert.deepEqual(await start('killed', 'kill -9 $$'), { kind: 'failed', why: 'exit 1' })
    assert.match(readFileSync(join(folder, 'release.log'), 'utf8'), /the release was killed by SIGKILL/)
  })

  test('two never run at the same time, in any region: the second waits for the first', async () => {
    const first = start('first', 'touch "$name.begun"; while ! test -e "$name.go"; do sleep 0.05; done')
    await there('first.begun')
    const second = start('second', `test -e ${join(folder, 'first.go')} && touch "$name.begun"`)
    await until('the second to wait', async () =>
      /waiting for a release/.test(readFileSync(join(folder, 'release.log'), 'utf8')),
    )
    assert.ok(!existsSync(join(folder, 'second.begun')))
    writeFileSync(join(folder, 'first.go'), '')
    assert.deepEqual([await first, await second], [{ kind: 'ok' }, { kind: 'ok' }])
  })

  test('stopping the keeper stops the command and everything that it started', async () => {
    const running = start('asked', 'touch "$name.begun"; sleep 600 & sleep 600')
    await there('asked.begun')
    const keeper = keeperOf('asked')
    process.kill(keeper, 'SIGTERM')
    assert.deepEqual(await running, { kind: 'interrupted' })
    assert.deepEqual(sessionOf(keeper), [])
  })

  test('when the keeper is killed, the agent kills its command', async () => {
    const running = start('orphan', 'touch "$name.begun"; sleep 600')
    await there('orphan.begun')
    const keeper = keeperOf('orphan')
    process.kill(keeper, 'SIGKILL')
    assert.deepEqual(await running, { kind: 'failed', why: 'SIGKILL' })
    await until('the command to exit', async () => sessionOf(keeper).length === 0)
  })

  test('when the primary is lost, the command is stopped and must run again', async () => {
    const running = start('cut', 'touch "$name.begun"; sleep 600')
    await there('cut.begun')
    const keeper = keeperOf('cut')
    await server.kill()
    assert.deepEqual(await running, { kind: 'interrupted' })
    assert.deepEqual(sessionOf(keeper), [])
    await server.restart()
    const after = await start('again', 'exit 0')
    assert.deepEqual(after, { kind: 'ok' })
  })

  test('nothing runs on a standby', async () => {
    const standby = await server.standby()
    const primary = server
    try {
      server = standby
      assert.deepEqual(await start('standby', 'touch "$name.begun"'), { kind: 'interrupted' })
      assert.ok(!existsSync(join(folder, 'standby.begun')))
    } finally {
      server = primary
      await standby.stop()
    }
  })
})
