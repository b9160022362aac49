import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { handOver } from '../../src/agent/hand-over.ts'
import type { Logger } from '../../src/lib/log.ts'
import { signal } from '../../src/lib/proc.ts'
import { startDatabases, type TestDatabases } from '../support/patroni.ts'
import { until } from '../support/sandboxed.ts'

describe('a primary that hangs is given up', () => {
  let databases: TestDatabases
  beforeEach(async () => {
    databases = await startDatabases()
  })
  afterEach(() => databases?.stop())

  const said: unknown[] = []
  const note = (...words: unknown[]) => said.push(words)
  const agent = () => ({
    context: databases.context('us-east'),
    shared: databases.shared('us-east'),
    log: { info: note, warn: note } as unknown as Logger,
  })

  async function give(): Promise<number> {
    const { snapshot } = await databases.look('us-west')
    const startedMs = performance.now()
    await handOver(agent(), {
      kind: 'giveUpPrimary',
      leader: snapshot.leader!,
      to: 'us-west',
      silentMs: 5000,
    })
    await until(
      'us-west to take writes',
      async () => {
        const [row] = await databases.query(
          'us-west',
          `SELECT pg_is_in_recovery() AS recovers, CASE WHEN NOT pg_is_in_recovery()
             THEN pg_logical_emit_message(true, 'test', 'x') END AS written`,
        )
        return row?.recovers === false
      },
      15_000,
    )
    return performance.now() - startedMs
  }

  async function comesBack() {
    await databases.inStep('us-west')
    const [row] = await databases.query('us-east', 'SELECT pg_is_in_recovery() AS recovers')
    assert.deepEqual(row, { recovers: true })
    const events = await databases.shared('us-east').events()
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['giveUpPrimary'],
    )
  }

  test('all of PostgreSQL stands still, and with it its Patroni’s loop: the standby leads in seconds', async (t) => {
    const stopped = databases.postgres('us-east')
    for (const one of stopped) signal(one, 'SIGSTOP')
    try {
      const tookMs = await give()
      t.diagnostic(`${Math.round(tookMs)} ms`)
      // With the 5 s before it, below the time that writes are held.
      assert.ok(tookMs < 8000, `${tookMs} ms: ${JSON.stringify(said)}`)
    } finally {
      for (const one of stopped) signal(one, 'SIGCONT')
    }
    // It wakes up as a primary, and learns that it is none any more.
    await comesBack()
  })

  test('PostgreSQL answers and cannot close: its Patroni does not take the lock back', async (t) => {
    const checkpointer = await databases.query(
      'us-east',
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
    )
    const stopped = databases.postgres('us-east').filter(({ pid }) => pid === checkpointer[0]!.pid)
    assert.equal(stopped.length, 1)
    for (const one of stopped) signal(one, 'SIGSTOP')
    try {
      t.diagnostic(`${Math.round(await give())} ms`)
    } finally {
      for (const one of stopped) signal(one, 'SIGCONT')
    }
    await comesBack()
  })
})
