/**
 * The ledger on a primary and its standby, with the basis of a guarantee turned off: the checker must find the violation
 * every time. For a whole world, see test/world/parts/workloads.ts.
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

/** Runs the ledger's users during this, then returns history and final state. */
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

test('without faults, no guarantee is broken, every kind of operation occurs, and nothing is left behind', async () => {
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

test('a lagging replica without read-your-writes: users miss their own writes', async () => {
  const recorded = await record(async (recorder) => {
    await writes(recorder, 20, ...edges)
    await databases.standby.query('SELECT pg_wal_replay_pause()')
    await writes(recorder, 60, ...edges)
    await databases.standby.query('SELECT pg_wal_replay_resume()')
    await writes(recorder, 20, ...edges)
  })
  const { broken, counts, lines } = evaluate(recorded)
  // Not promised: counted and shown, but nothing is broken.
  assert.deepEqual(broken, [], lines)
  assert.ok(counts['read-your-writes'] > 0, lines)
  assert.equal(counts['read-your-writes-on-primary'], 0, lines)
  // If promised, it is broken.
  assert.deepEqual(evaluate(recorded, { ...promises, readYourWrites: true }).broken, ['read-your-writes'])
})

test('asynchronous replication and a lost primary: acknowledged writes are missing', async () => {
  const recorded = await record(async (recorder) => {
    await writes(recorder, 20, ...edges)
    const standby = databases.standby
    const [receiver] = await standby.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver')
    // Nothing after this reaches the other region: the primary drops a standby that does not respond.
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
  // Reads of lost values, and a region that is still down at the end.
  assert.deepEqual(broken, ['no-lost-writes', 'one-order', 'replicas-equal'], lines)
  assert.ok(counts['no-lost-reads'] > 0, lines)
  assert.match(lines, /us-east’s database could not be read/)
  // With `local`, neither writes nor order are promised, but the region must be back at the end.
  assert.deepEqual(evaluate(recorded, { ...promises, durability: 'local' }).broken, ['replicas-equal'])
})

test('a primary that continues next to the new one is found by the acknowledgements of both', async () => {
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

test('a world without a database differs from a slow one, and leftovers are named', async () => {
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
