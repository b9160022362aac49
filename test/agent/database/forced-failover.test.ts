import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { forceFailover } from '../../../src/agent/database/forced-failover.ts'
import type { Logger } from '../../../src/lib/log.ts'
import { signal } from '../../../src/lib/proc.ts'
import { type Name, startDatabases, type TestDatabases } from '../../support/patroni.ts'
import { until } from '../../support/sandboxed.ts'

describe('forced failover from a hung primary', () => {
  let databases: TestDatabases
  before(async () => {
    databases = await startDatabases()
  })
  after(() => databases?.stop())

  const said: unknown[] = []
  const note = (...words: unknown[]) => said.push(words)
  const agent = (region: Name) => ({
    context: databases.context(region),
    store: databases.store(region),
    log: { info: note, warn: note } as unknown as Logger,
  })

  async function give(from: Name, to: Name): Promise<number> {
    const { snapshot } = await databases.look(to)
    const startedMs = performance.now()
    await forceFailover(agent(from), {
      kind: 'forceFailover',
      leader: snapshot.leader!,
      to,
      unresponsiveMs: 5000,
    })
    await until(
      `${to} to take writes`,
      async () => {
        const [row] = await databases.query(
          to,
          `SELECT pg_is_in_recovery() AS recovers, CASE WHEN NOT pg_is_in_recovery()
             THEN pg_logical_emit_message(true, 'test', 'x') END AS written`,
        )
        return row?.recovers === false
      },
      15_000,
    )
    return performance.now() - startedMs
  }

  /** The region follows as a standby, and the events contain every forced failover so far and nothing else. */
  async function comesBack(region: Name, primary: Name, failovers: number) {
    await databases.inSync(primary)
    const [row] = await databases.query(region, 'SELECT pg_is_in_recovery() AS recovers')
    assert.deepEqual(row, { recovers: true })
    const events = await databases.store(region).events()
    assert.deepEqual(
      events.map(({ kind }) => kind),
      Array(failovers).fill('forceFailover'),
    )
  }

  test('PostgreSQL hangs completely, and so does its Patroni’s loop: the standby leads within seconds', async (t) => {
    const stopped = databases.postgres('us-east')
    for (const one of stopped) signal(one, 'SIGSTOP')
    try {
      const tookMs = await give('us-east', 'us-west')
      t.diagnostic(`${Math.round(tookMs)} ms`)
      // Together with the 5 s before it, less than the time for which writes are held.
      assert.ok(tookMs < 8000, `${tookMs} ms: ${JSON.stringify(said)}`)
    } finally {
      for (const one of stopped) signal(one, 'SIGCONT')
    }
    // The old primary resumes and finds out that it is not the primary any more.
    await comesBack('us-east', 'us-west', 1)
  })

  test('PostgreSQL answers but cannot shut down: its Patroni does not take the lock back', async (t) => {
    const checkpointer = await databases.query(
      'us-west',
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
    )
    const stopped = databases.postgres('us-west').filter(({ pid }) => pid === checkpointer[0]!.pid)
    assert.equal(stopped.length, 1)
    for (const one of stopped) signal(one, 'SIGSTOP')
    try {
      t.diagnostic(`${Math.round(await give('us-west', 'us-east'))} ms`)
    } finally {
      for (const one of stopped) signal(one, 'SIGCONT')
    }
    await comesBack('us-west', 'us-east', 2)
  })
})
