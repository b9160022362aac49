/** Transactions whose server or connection fails midway. Real PostgreSQL, real network. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { DatabaseUnavailable, OutcomeUnknown } from '../../../../examples/shop/database/errors.ts'
import { type Database, openDatabase } from '../../../../examples/shop/database/open.ts'
import type { Query } from '../../../../examples/shop/database/query.ts'
import { startLostAtOnce } from '../../../support/lost-at-once.ts'
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts'
import { until } from '../../../support/sandboxed.ts'
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts'

let postgres: TestPostgres
let proxy: TcpProxy
let database: Database
let attempts = 0

before(async () => {
  postgres = await startPostgres()
  await postgres.query('CREATE TABLE notes (note text PRIMARY KEY, written integer NOT NULL DEFAULT 1)')
})
beforeEach(async () => {
  attempts = 0
  await postgres.query('TRUNCATE notes')
  proxy = await startTcpProxy(postgres)
  const databaseUrl = `postgres://shop@${proxy.host}:${proxy.port}/postgres`
  database = openDatabase({ databaseUrl, databaseReadUrl: postgres.url })
})
afterEach(async () => {
  await postgres.resetConfiguration()
  // First the proxy, so that no open connection can block the close.
  await proxy.stop()
  await database.close()
})
after(() => postgres?.stop())

const write = (note: string) => async (query: Query) => {
  attempts += 1
  await query(
    'INSERT INTO notes (note) VALUES ($1) ON CONFLICT (note) DO UPDATE SET written = notes.written + 1',
    [note],
  )
}
const notes = () => postgres.query<{ note: string; written: number }>('SELECT note, written FROM notes')

/** Process ids of backends with this wait event. */
const waiting = async (event: string) =>
  (
    await postgres.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'shop' AND (wait_event = $1 OR wait_event_type = $1)",
      [event],
    )
  ).map(({ pid }) => pid)

test('work that fails by itself is rolled back, not retried, and keeps its connection', async () => {
  const failing = async (query: Query) => {
    await write('a')(query)
    throw new RangeError('bug in the work')
  }
  await assert.rejects(database.write(failing, { idempotent: true }), RangeError)
  await assert.rejects(
    database.write((query) => query('SELECT nonsense'), { idempotent: true }),
    /nonsense/,
  )
  await database.write(write('b'), { idempotent: true })
  assert.deepEqual(await notes(), [{ note: 'b', written: 1 }])
  assert.equal(proxy.taken(), 1)
})

test('a failed statement that the work ignores is not a success', async () => {
  const careless = async (query: Query) => {
    await write('a')(query)
    await query('SELECT nonsense').catch(() => {})
  }
  await assert.rejects(database.write(careless, { idempotent: true }), /answered with ROLLBACK/)
  assert.deepEqual(await notes(), [])
})

test('work on a server that became a replica is retried on another connection', async () => {
  await database.write(write('before'), { idempotent: false })
  await postgres.configure({ default_transaction_read_only: 'on' })
  const writing = database.write(write('after'), { idempotent: false })
  await until('a second connection', () => proxy.taken() > 1)
  await postgres.resetConfiguration()
  await writing
  assert.deepEqual(
    (await notes()).map(({ note, written }) => [note, written]),
    [
      ['before', 1],
      ['after', 1],
    ],
  )
})

test('a connection that breaks before COMMIT causes only a retry', async () => {
  proxy.loseAnswerTo('INSERT INTO notes')
  await database.write(write('a'), { idempotent: false })
  assert.equal(attempts, 2)
  assert.deepEqual(await notes(), [{ note: 'a', written: 1 }])
})

test('a server shutdown midway causes a retry, too', async () => {
  await postgres.query("INSERT INTO notes (note) VALUES ('a')")
  const held = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  const holding = database.write(
    async (query) => {
      await query("SELECT FROM notes WHERE note = 'a' FOR UPDATE")
      held.resolve()
      await free.promise
    },
    { idempotent: false },
  )
  await held.promise
  const writing = database.write(write('a'), { idempotent: false })
  try {
    const blocked = await until('the write to block', async () => (await waiting('Lock'))[0])
    await postgres.query('SELECT pg_terminate_backend($1)', [blocked])
  } finally {
    free.resolve()
  }
  await Promise.all([holding, writing])
  assert.deepEqual(await notes(), [{ note: 'a', written: 2 }])
})

test('if the answer to COMMIT is lost, idempotent work is retried', async () => {
  proxy.loseAnswerTo('COMMIT')
  await database.write(write('a'), { idempotent: true })
  assert.deepEqual(await notes(), [{ note: 'a', written: 2 }])
})

test('if the answer to COMMIT is lost, other work is neither retried nor reported as failed', async () => {
  proxy.loseAnswerTo('COMMIT')
  await assert.rejects(database.write(write('a'), { idempotent: false }), OutcomeUnknown)
  assert.equal(attempts, 1)
  assert.deepEqual(await notes(), [{ note: 'a', written: 1 }])
})

test('an ambiguous outcome stays ambiguous even if the retry fails', async () => {
  proxy.loseAnswerTo('COMMIT')
  const writing = database.write(write('a'), { idempotent: true, retryForMs: 0 })
  await assert.rejects(writing, OutcomeUnknown)

  const onceThenWrong = async (query: Query) => {
    if (attempts === 1) throw new RangeError('bug in the work')
    await write('b')(query)
  }
  attempts = 0
  proxy.loseAnswerTo('COMMIT')
  await assert.rejects(database.write(onceThenWrong, { idempotent: true }), OutcomeUnknown)
})

test('a successful commit without replication is not a success', async () => {
  await postgres.configure({ synchronous_standby_names: 'nobody' })
  const writing = database.write(write('a'), { idempotent: true })
  let isDone = false
  writing.finally(() => {
    isDone = true
  })
  const first = await until('the wait for the standby', async () => (await waiting('SyncRep'))[0])
  await postgres.query('SELECT pg_cancel_backend($1)', [first])
  // The retry waits as well, so that its success covers both.
  await until('another wait', async () => (await waiting('SyncRep')).some((pid) => pid !== first))
  assert.equal(isDone, false)

  await postgres.resetConfiguration()
  await writing
  assert.deepEqual(await notes(), [{ note: 'a', written: 2 }])
})

test('without a primary in time, nothing is written and the error states it', async () => {
  proxy.lead(undefined)
  await assert.rejects(
    database.write(write('a'), { idempotent: false, retryForMs: 300 }),
    DatabaseUnavailable,
  )
  assert.equal(attempts, 0)
  assert.deepEqual(await notes(), [])
})

test('work waits for a primary that appears in time', async () => {
  proxy.lead(undefined)
  const writing = database.write(write('a'), { idempotent: false })
  await until('some tries', () => proxy.taken() > 2)
  proxy.lead(postgres)
  await writing
  assert.deepEqual(await notes(), [{ note: 'a', written: 1 }])
})

test('idle connections may break at any time', async () => {
  await Promise.all([database.read('SELECT 1'), database.write(write('a'), { idempotent: true })])
  await postgres.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shop'",
  )
  proxy.lead(postgres)
  await database.read('SELECT 1')
  await database.write(write('b'), { idempotent: true })
})

test('a read succeeds even if every kept connection is broken', async (t) => {
  const url = `postgres://shop@${proxy.host}:${proxy.port}/postgres`
  const reading = openDatabase({ databaseUrl: url, databaseReadUrl: url })
  t.after(() => reading.close())
  for (const read of [reading.read, reading.readPrimary]) {
    const before = proxy.taken()
    await Promise.all(Array.from({ length: 8 }, () => read('SELECT pg_sleep(0.1)')))
    assert.equal(proxy.taken() - before, 8)
    proxy.cutWhenUsed()
    assert.deepEqual(await read('SELECT 1 AS one'), [{ one: 1 }])
  }
})

test('a server that fails right after connecting is retried, and does not end the process', async (t) => {
  const { url, greeted } = await startLostAtOnce(t)
  const lost = openDatabase({ databaseUrl: url, databaseReadUrl: url })
  t.after(() => lost.close())
  const written = lost.write(write('a'), { idempotent: true, retryForMs: 600 })
  await assert.rejects(written, DatabaseUnavailable)
  assert.ok(greeted() > 1)
  await assert.rejects(lost.read('SELECT 1'))
})
