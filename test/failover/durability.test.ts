import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type DurabilityAsked,
  durabilityInForce,
  recordedStandbys,
  settledDurability,
} from '../../src/failover/durability.ts'

const west = (synchronous: boolean) => [{ region: 'us-west', synchronous }]
const inForce = (
  asked: DurabilityAsked,
  standbys: { region: string; synchronous: boolean }[] | undefined,
  recorded: boolean | undefined,
) => durabilityInForce({ asked, standbys, isRecorded: () => recorded })

describe('durability in force', () => {
  test('is “region” when commits wait for a standby that Patroni has recorded', () => {
    assert.equal(inForce('region', west(true), true), 'region')
    assert.equal(inForce('strict', west(true), true), 'region')
  })

  test('needs both facts about the same standby', () => {
    const standbys = [
      { region: 'us-west', synchronous: true },
      { region: 'eu-west', synchronous: false },
    ]
    const isRecorded = (region: string) => region === 'eu-west'
    assert.equal(durabilityInForce({ asked: 'region', standbys, isRecorded }), 'at risk')
  })

  test('is not “region” while only one of two known sources confirms it', () => {
    assert.equal(inForce('region', west(true), false), 'at risk')
    assert.equal(inForce('region', west(false), true), 'at risk')
    assert.equal(inForce('strict', west(true), false), 'stopped')
    assert.equal(inForce('strict', west(false), true), 'stopped')
  })

  test('without Patroni’s record depends on PostgreSQL alone', () => {
    assert.equal(inForce('region', west(true), undefined), 'region')
    assert.equal(inForce('region', west(false), undefined), 'at risk')
    assert.equal(inForce('strict', [], undefined), 'stopped')
  })

  test('is unknown while the primary’s standbys are unknown, regardless of the record', () => {
    assert.equal(inForce('region', undefined, true), 'unknown')
    assert.equal(inForce('strict', undefined, undefined), 'unknown')
  })

  test('is “local” if configured, regardless of the facts', () => {
    assert.equal(inForce('local', west(true), true), 'local')
    assert.equal(inForce('local', undefined, undefined), 'local')
  })
})

test('the record of another primary contains no standby of this one', () => {
  const sync = { leader: 'us-west', standbys: ['us-east'] }
  assert.deepEqual(recordedStandbys(sync, 'us-west'), ['us-east'])
  assert.deepEqual(recordedStandbys(sync, 'us-east'), [])
  assert.deepEqual(recordedStandbys({ standbys: ['us-east'] }, undefined), [])
})

test('a world with a single full region settles at risk, unless its topology is strict', () => {
  assert.equal(settledDurability('region', 2), 'region')
  assert.equal(settledDurability('region', 1), 'at risk')
  assert.equal(settledDurability('strict', 1), 'region')
  assert.equal(settledDurability('local', 1), 'local')
})
