/** The outcome of a write whose server or connection fails midway. Real PostgreSQL, real network. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import pg from 'pg'
import { withErrorHandlers } from '../../../../src/lab/workloads/ledger/connections.ts'
import {
  appendStatement,
  createStatements,
  readAccountsStatement,
  showStatement,
  transferStatement,
} from '../../../../src/lab/workloads/ledger/schema.ts'
import { writeOnce } from '../../../../src/lab/workloads/ledger/transaction.ts'
import { startLostAtOnce } from '../../../support/lost-at-once.ts'
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts'
import { until } from '../../../support/sandboxed.ts'
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts'

let postgres: TestPostgres
let proxy: TcpProxy
let pool: pg.Pool

before(async () => {
  postgres = await startPostgres()
})
beforeEach(async () => {
  for (const statement of createStatements) await postgres.query(statement)
  proxy = await startTcpProxy(postgres)
  pool = new pg.Pool({
    connectionString: `postgres://shop@${proxy.host}:${proxy.port}/postgres`,
    application_name: 'ledger',
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
  })
  withErrorHandlers(pool)
})
afterEach(async () => {
  await postgres.resetConfiguration()
  await proxy.stop()
  await pool.end()
})
after(() => postgres?.stop())

const append = (value: string) => writeOnce(pool, 5000, appendStatement, ['l', value])
const shown = async () => (await postgres.query<{ lists: [string, string[]][] }>(showStatement))[0]!.lists
const waiting = async (event: string) =>
  (
    await postgres.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'ledger' AND wait_event = $1",
      [event],
    )
  ).map(({ pid }) => pid)

test('an answered COMMIT is ok, with server and timeline', async () => {
  const { commitSentMs, ...written } = await append('a')
  assert.deepEqual(written, { outcome: 'ok', why: 'COMMIT', place: { server: postgres.host, timeline: 1 } })
  assert.ok(commitSentMs! > 0)
  await append('b')
  assert.deepEqual(await shown(), [['l', ['a', 'b']]])
})

test('a COMMIT cancelled while waiting for its standby is unknown, although it reports success', async () => {
  await postgres.configure({ synchronous_standby_names: 'nobody' })
  const writing = append('a')
  const [pid] = await until('COMMIT to wait', async () => {
    const pids = await waiting('SyncRep')
    return pids.length > 0 ? pids : undefined
  })
  await postgres.query('SELECT pg_cancel_backend($1)', [pid])
  const { outcome, why, place } = await writing
  assert.equal(outcome, 'unknown')
  assert.match(why, /canceling wait for synchronous replication/)
  assert.equal(place, undefined)
  assert.deepEqual(await shown(), [['l', ['a']]])
})

test('a COMMIT whose answer is lost is unknown', async () => {
  proxy.loseAnswerTo('COMMIT')
  const { outcome, commitSentMs } = await append('a')
  assert.equal(outcome, 'unknown')
  assert.ok(commitSentMs! > 0)
})

test('a COMMIT without an answer in time is unknown; a statement before it has failed', async () => {
  await postgres.configure({ synchronous_standby_names: 'nobody' })
  const { outcome, why } = await writeOnce(pool, 300, appendStatement, ['l', 'a'])
  assert.deepEqual([outcome, why], ['unknown', 'Query read timeout'])
  // It locks the list until the standby confirms.
  const behind = await writeOnce(pool, 300, appendStatement, ['l', 'b'])
  assert.deepEqual([behind.outcome, behind.commitSentMs], ['fail', undefined])
})

test('a failure before COMMIT is a fail, and nothing is written', async () => {
  proxy.loseAnswerTo('INSERT INTO')
  const lost = await append('a')
  assert.deepEqual([lost.outcome, lost.commitSentMs], ['fail', undefined])
  const wrong = await writeOnce(pool, 5000, 'SELECT nonsense', [])
  assert.deepEqual([wrong.outcome, wrong.why], ['fail', '42703: column "nonsense" does not exist'])
  proxy.lead(undefined)
  assert.equal((await append('b')).outcome, 'fail')
  await until('the failed one to be rolled back', async () => (await waiting('ClientRead')).length === 0)
  assert.deepEqual(await shown(), [])
})

test('a COMMIT that the server refuses is a fail', async () => {
  await postgres.query('ALTER TABLE nearside_drill.entries ADD UNIQUE (value) DEFERRABLE INITIALLY DEFERRED')
  assert.equal((await append('a')).outcome, 'ok')
  const { outcome, why } = await append('a')
  assert.equal(outcome, 'fail')
  assert.match(why, /^23505: /)
})

test('concurrent appends get one order without gaps, and transfers keep the total', async () => {
  const values = Array.from({ length: 40 }, (_, n) => `v${n}`)
  const writes = await Promise.all([
    ...values.map(append),
    ...values.map((reference, n) =>
      writeOnce(pool, 5000, transferStatement, [
        reference,
        `account-${1 + (n % 3)}`,
        `account-${1 + ((n + 1) % 3)}`,
        7,
      ]),
    ),
  ])
  assert.deepEqual(new Set(writes.map(({ outcome }) => outcome)), new Set(['ok']))
  const [row] = await postgres.query<{
    lists: [string, string[]][]
    accounts: [string, number][]
    transfers: [string, number][]
  }>(showStatement)
  assert.deepEqual(row!.lists[0]![1].toSorted(), values.toSorted())
  assert.equal(
    row!.accounts.reduce((sum, [, balance]) => sum + balance, 0),
    50_000,
  )
  assert.deepEqual(
    row!.transfers.map(([, count]) => count),
    values.map(() => 1),
  )
  const numbers = await postgres.query<{ n: number }>('SELECT n FROM nearside_drill.entries ORDER BY n')
  assert.deepEqual(
    numbers.map(({ n }) => n),
    values.map((_, n) => n + 1),
  )
})

test('an empty table of accounts differs from one that was not queried', async () => {
  await postgres.query('DELETE FROM nearside_drill.accounts')
  const [read] = await postgres.query<{ balances: unknown }>(readAccountsStatement)
  assert.deepEqual(read!.balances, [])
  const [shown] = await postgres.query<{ accounts: unknown }>(showStatement)
  assert.deepEqual(shown!.accounts, [])
})

test('a server that fails right after connecting is a fail, and does not end the process', async (t) => {
  const { url, greeted } = await startLostAtOnce(t)
  const lost = withErrorHandlers(new pg.Pool({ connectionString: url }))
  t.after(() => lost.end())
  const { outcome } = await writeOnce(lost, 5000, appendStatement, ['l', 'a'])
  assert.equal(outcome, 'fail')
  assert.equal(greeted(), 1)
})
