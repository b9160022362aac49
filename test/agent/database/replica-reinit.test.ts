import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CoordinationLoop } from '../../../src/agent/coordination/loop.ts'
import type { DatabaseState } from '../../../src/agent/database/monitor.ts'
import { ReplicaReinit } from '../../../src/agent/database/replica-reinit.ts'
import { patroniRequest } from '../../../src/engines/postgres/control.ts'
import type { Logger } from '../../../src/lib/log.ts'
import { signal } from '../../../src/lib/proc.ts'
import { hurriedClock } from '../../support/hurried-clock.ts'
import { type Name, startDatabases, type TestDatabases } from '../../support/patroni.ts'
import { until } from '../../support/sandboxed.ts'

describe('a region that was absent until the primary removed the WAL that it needs', () => {
  let databases: TestDatabases
  before(async () => {
    databases = await startDatabases()
  })
  after(() => databases?.stop())

  const shortened = {
    wal_keep_size: '32MB',
    max_slot_wal_keep_size: '64MB',
    max_wal_size: '64MB',
    min_wal_size: '64MB',
  }

  /** The usual limits are 1 GB and 4 GB. */
  async function shorten() {
    const context = databases.context('us-east')
    const patch = { postgresql: { parameters: shortened } }
    await patroniRequest(context, context.region.address, 'PATCH', '/config', patch, 5000)
    await until('the limits', async () => {
      const [row] = await databases.query('us-east', 'SHOW max_slot_wal_keep_size')
      return row?.max_slot_wal_keep_size === '64MB'
    })
  }

  /** Writes on the primary alone until the other region's slot exceeds max_slot_wal_keep_size. */
  async function writeUntilGone(primary: Name) {
    await until(
      'the WAL to be removed',
      async () => {
        for (let segment = 0; segment < 8; segment += 1)
          await databases.query(
            primary,
            `SET synchronous_commit = local; SELECT pg_logical_emit_message(true, 'test', 'x'); SELECT pg_switch_wal()`,
          )
        await databases.query(primary, 'CHECKPOINT')
        const lost = await databases.query(
          primary,
          `SELECT 1 FROM pg_replication_slots WHERE invalidation_reason = 'wal_removed'`,
        )
        return lost.length > 0
      },
      60_000,
    )
  }

  /** Only this part of the agent. */
  function watch(region: Name) {
    const said: unknown[] = []
    const note = (...words: unknown[]) => said.push(words)
    const agent = {
      context: databases.context(region),
      store: databases.store(region),
      log: { info: note, warn: note } as unknown as Logger,
    }
    const known = { state: { role: 'unknown' } as DatabaseState }
    const coordination: Pick<CoordinationLoop, 'snapshot' | 'atMs' | 'failure'> = {
      snapshot: undefined,
      atMs: 0,
      failure: undefined,
    }
    // PostgreSQL repeats the error every second: every 5 s by this clock, and 12 s without it count as recovery.
    const clock = hurriedClock(5)
    const reinit = new ReplicaReinit(agent, known, coordination, clock)
    const round = async () => {
      const { snapshot, database } = await databases.look(region)
      Object.assign(coordination, { snapshot, atMs: clock.now() })
      known.state = database.state
      await reinit.poll()
      return reinit
    }
    return { round, said }
  }

  async function comesBack(region: Name, primary: Name) {
    await databases.start(region)
    const { round, said } = watch(region)
    const copies = async () =>
      (await databases.store(primary).events()).filter(
        ({ kind, detail }) => kind === 'replicaReinit' && detail.region === region,
      )
    await until(
      'the copy',
      async () => {
        await round()
        return (await copies()).length > 0
      },
      120_000,
    )
    await databases.inSync(primary)
    assert.equal((await round()).missing, undefined)
    // The replica's slot retains WAL again.
    assert.deepEqual(
      await databases.query(primary, 'SELECT invalidation_reason AS lost FROM pg_replication_slots'),
      [{ lost: null }],
      JSON.stringify(said),
    )
    assert.equal((await copies()).length, 1, JSON.stringify(said))
  }

  test('a replica is copied again without an operator and follows', async () => {
    await shorten()
    await databases.kill('us-west')
    await writeUntilGone('us-east')
    await comesBack('us-west', 'us-east')
  })

  test('so is an old primary with writes of its own, which is rewound first and then cannot finish its start', async () => {
    const receiver = await databases.query('us-west', 'SELECT pid FROM pg_stat_wal_receiver')
    const stopped = databases.postgres('us-west').filter(({ pid }) => pid === receiver[0]!.pid)
    for (const one of stopped) signal(one, 'SIGSTOP')
    await databases.query(
      'us-east',
      `SET synchronous_commit = local; SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))`,
    )
    const { snapshot } = await databases.look('us-west')
    await databases.kill('us-east')
    for (const one of stopped) signal(one, 'SIGCONT')
    await databases.store('us-west').revokeLeader(snapshot.leader!)
    await until('us-west to lead', async () => {
      const [row] = await databases.query('us-west', 'SELECT pg_is_in_recovery() AS recovers')
      return row?.recovers === false
    })
    await writeUntilGone('us-west')
    await comesBack('us-east', 'us-west')
  })
})
