import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { renewSlotSql } from '../../../src/agent/database/replica-reinit.ts'
import { missingWalIn } from '../../../src/engines/postgres/log.ts'
import { startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { until } from '../../support/sandboxed.ts'

describe('a primary that has removed the WAL that a standby needs', () => {
  let primary: TestPostgres
  let standby: TestPostgres
  const slot = async () =>
    (
      await primary.query<{ wal_status: string; reason: string | null; restart_lsn: string | null }>(
        `SELECT wal_status, invalidation_reason AS reason, restart_lsn FROM pg_replication_slots WHERE slot_name = 'us_west'`,
      )
    )[0]

  before(async () => {
    primary = await startPostgres()
    await primary.query(`SELECT pg_create_physical_replication_slot('us_west', true)`)
    standby = await primary.standby()
    await primary.configure({ wal_keep_size: '0', max_wal_size: '32MB', min_wal_size: '32MB' })
  })
  after(async () => {
    await standby?.stop()
    await primary?.stop()
  })

  /** Segments are 16 MB. */
  async function writeSegments(count: number) {
    for (let done = 0; done < count; done += 1) {
      await primary.query(`SELECT pg_logical_emit_message(true, 'test', 'x')`)
      await primary.query('SELECT pg_switch_wal()')
    }
    await primary.query('CHECKPOINT')
  }

  test('retains the WAL that a slot needs, up to max_slot_wal_keep_size', async () => {
    await standby.kill()
    await writeSegments(6)
    assert.equal((await slot())!.reason, null)
    await primary.configure({ max_slot_wal_keep_size: '16MB' })
    await writeSegments(1)
    assert.equal((await slot())!.reason, 'wal_removed')
  })

  test('reports it to the standby, which logs it at every attempt and otherwise looks healthy', async () => {
    assert.equal(missingWalIn(standby.log()), undefined)
    await standby.restart()
    const missing = await until('the standby to be refused', () => missingWalIn(standby.log()))
    assert.match(missing, /^[0-9A-F]{24}$/)
    assert.deepEqual(await standby.query('SELECT pg_is_in_recovery() AS recovers'), [{ recovers: true }])
  })

  test('re-creates the slot with one statement, which leaves a valid slot alone', async () => {
    await primary.configure({ max_slot_wal_keep_size: '-1' })
    assert.equal((await primary.query(renewSlotSql, ['us_west'])).length, 1)
    const renewed = (await slot())!
    assert.equal(renewed.reason, null)
    assert.ok(renewed.restart_lsn)
    assert.equal((await primary.query(renewSlotSql, ['us_west'])).length, 0)
    assert.deepEqual(await slot(), renewed)
  })
})
