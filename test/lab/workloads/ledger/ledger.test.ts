/**
 * The ledger on a primary and its standby, with what a guarantee rests on switched off: the checker must find what is
 * broken, every time. What it says of a whole world is in test/world/parts/workloads.ts.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import {
  check,
  type GuaranteeId,
  type Promises,
  verdictLines,
  verdictOf,
} from '../../../../src/lab/checker/index.ts'
import { clockMs, isWrite, newHeader, Recorder } from '../../../../src/lab/history.ts'
import { ledgerWorkload } from '../../../../src/lab/workloads/ledger/ledger.ts'
import { isBroken } from '../../../support/broken.ts'
import { until } from '../../../support/sandboxed.ts'
import { startTwoDatabases, type TwoDatabases } from '../../../support/two-databases.ts'

let databases: TwoDatabases
beforeEach(async () => {
  databases = await startTwoDatabases()
})
afterEach(() => databases?.stop())

const promises: Promises = { durability: 'region', readYourWrites: false, monotonicReads: false }
const edges = ['us-east', 'us-west'] as const

/** The ledger's users, while this happens; then everything that is known. */
async function record(meanwhile: (recorder: Recorder) => Promise<unknown>, catchUpMs = 30_000) {
  const rates = { writesPerSecond: 60, readsPerSecond: 60, seed: 1, answerTimeoutMs: 5000 }
  const workload = ledgerWorkload(databases.world, { ...rates, catchUpMs })
  const recorder = new Recorder(newHeader('two databases'))
  const load = new AbortController()
  try {
    await workload.prepare()
    const running = workload.run(load.signal, recorder.record)
    await meanwhile(recorder).finally(() => load.abort())
    await running
    return { history: recorder.history(), final: await workload.final() }
  } finally {
    load.abort()
    await workload.cleanUp()
  }
}

const writes = ({ ops }: Recorder, count: number, ...at: readonly string[]) => {
  const sinceMs = clockMs()
  const acknowledged = (edge: string) =>
    ops.filter((op) => isWrite(op) && op.outcome === 'ok' && op.edge === edge && op.invokedMs > sinceMs)
      .length
  return until(`${count} writes at ${at.join(' and ')}`, () =>
    at.every((edge) => acknowledged(edge) >= count),
  )
}

function evaluate({ history, final }: Awaited<ReturnType<typeof record>>, promised: Promises = promises) {
  const guarantees = check(history, final, promised)
  const broken = guarantees.filter((one) => verdictOf(one) === 'broken').map(({ id }) => id)
  const counts = Object.fromEntries(guarantees.map(({ id, violations }) => [id, violations.length]))
  return { broken, counts: counts as Record<GuaranteeId, number>, lines: verdictLines(guarantees).join('\n') }
}

test('in calm nothing is broken, every kind of operation is there, and nothing is left behind', async () => {
  const recorded = await record((recorder) => writes(recorder, 60, ...edges))
  const { broken, lines } = evaluate(recorded)
  assert.deepEqual(broken, [], lines)
  const kinds = Map.groupBy(recorded.history.ops, (op) => `${op.kind} ${op.outcome}`)
  assert.deepEqual([...kinds.keys()].toSorted(), [
    'append ok',
    'readAccounts ok',
    'readList ok',
    'transfer ok',
  ])
  for (const id of [
    'no-lost-writes',
    'one-primary',
    'constant-total',
    'one-order',
    'replicas-equal',
  ] as const)
    assert.equal(
      verdictOf(check(recorded.history, recorded.final, promises).find((one) => one.id === id)!),
      'held',
    )
  const reads = recorded.history.ops.filter((op) => op.kind === 'readList' && op.source === 'replica')
  assert.ok(reads.every(({ edge, servedBy }) => servedBy === edge))
  assert.deepEqual(
    await databases.primary.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'nearside_drill'`),
    [],
  )
})

test('read-your-writes off, and a replica that lags: users miss their own writes', async () => {
  const recorded = await record(async (recorder) => {
    await writes(recorder, 20, ...edges)
    await databases.standby.query('SELECT pg_wal_replay_pause()')
    await writes(recorder, 60, ...edges)
    await databases.standby.query('SELECT pg_wal_replay_resume()')
    await writes(recorder, 20, ...edges)
  })
  const { broken, counts, lines } = evaluate(recorded)
  // It is not promised: counted, shown, and nothing is broken.
  assert.deepEqual(broken, [], lines)
  assert.ok(counts['read-your-writes'] > 0, lines)
  assert.equal(counts['read-your-writes-on-primary'], 0, lines)
  // Where it is promised, it is.
  assert.deepEqual(evaluate(recorded, { ...promises, readYourWrites: true }).broken, ['read-your-writes'])
})

test('replication that waits for nobody, and a primary that is lost: acknowledged writes are missing', async () => {
  const recorded = await record(async (recorder) => {
    await writes(recorder, 20, ...edges)
    const standby = databases.standby
    const [receiver] = await standby.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver')
    // Nothing of what follows reaches the other region: the primary gives up a standby that says nothing.
    await databases.primary.configure({ wal_sender_timeout: '500ms' })
    process.kill(receiver!.pid, 'SIGSTOP')
    try {
      await until('the primary to be alone', async () => {
        return (await databases.primary.query('SELECT 1 FROM pg_stat_replication')).length === 0
      })
      await writes(recorder, 60, ...edges)
      await databases.primary.kill()
    } finally {
      process.kill(receiver!.pid, 'SIGCONT')
    }
    await standby.query('SELECT pg_promote()')
    for (const edge of edges) databases.leadWrites(edge, standby)
    await writes(recorder, 20, 'us-west')
  }, 500)
  const { broken, counts, lines } = evaluate(recorded)
  assert.ok(counts['no-lost-writes'] >= 100, lines)
  // Reads of what is gone, and a region that is still down at the end.
  assert.deepEqual(broken, ['no-lost-writes', 'one-order', 'replicas-equal'], lines)
  assert.ok(counts['no-lost-reads'] > 0, lines)
  assert.match(lines, /us-east’s database showed nothing/)
  // With `local` neither the writes nor the order are promised; that the region is back at the end is.
  assert.deepEqual(evaluate(recorded, { ...promises, durability: 'local' }).broken, ['replicas-equal'])
})

test('a primary that goes on beside the new one is found by what both acknowledge', async () => {
  const recorded = await record(async (recorder) => {
    await writes(recorder, 20, ...edges)
    await databases.standby.query('SELECT pg_promote()')
    databases.leadWrites('us-west', databases.standby)
    await writes(recorder, 40, ...edges)
    await databases.primary.kill()
    databases.leadWrites('us-east', databases.standby)
  }, 500)
  const { broken, lines } = evaluate(recorded)
  assert.ok(broken.includes('one-primary'), lines)
  assert.ok(broken.includes('no-lost-writes'), lines)
  assert.ok(isBroken(check(recorded.history, recorded.final, promises)))
})

test('a world without a database is told apart from one that only takes long, and what is left is named', async () => {
  const rates = { writesPerSecond: 1, readsPerSecond: 1, seed: 1, answerTimeoutMs: 300 }
  const regions = databases.world.regions.map((region) => ({ ...region, address: '127.128.0.2' }))
  const nowhere = ledgerWorkload({ ...databases.world, regions }, rates)
  await assert.rejects(nowhere.prepare(), { code: 'workload_no_schema', message: /ECONNREFUSED/ })

  const workload = ledgerWorkload(databases.world, { ...rates, catchUpMs: 100 })
  await workload.prepare()
  await databases.primary.kill()
  await assert.rejects(workload.final(), { code: 'workload_no_primary' })
  await assert.rejects(workload.cleanUp(), { code: 'workload_left_over' })
  await workload.cleanUp()
})
