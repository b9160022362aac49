import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Agent } from '../../../src/agent/agent.ts'
import type { Snapshot } from '../../../src/agent/coordination/snapshot.ts'
import type { DatabaseState } from '../../../src/agent/database/monitor.ts'
import { durabilityOf } from '../../../src/agent/http/status.ts'
import type { Durability, DurabilityAsked } from '../../../src/failover/durability.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

/** The parts of an agent that determine the durability. */
function durability(
  asked: DurabilityAsked,
  standbys: DatabaseState['standbys'],
  sync: Snapshot['sync'],
): Durability {
  const database: DatabaseState = { role: 'primary', ...(standbys ? { standbys } : {}) }
  const snapshot = {
    leader: { region: 'us-east', lease: '1', modRevision: '1' },
    sync,
    reports: { 'us-east': { database } },
  }
  const context = { topology: topologyOf(twoRegions, { database: { durability: asked } }) }
  return durabilityOf(context as Agent['context'], snapshot as unknown as Snapshot)
}

const streaming = (synchronous: boolean) => [{ region: 'us-west', synchronous, lagMs: 0, lagBytes: 0 }]
const recorded = { leader: 'us-east', standbys: ['us-west'] }

describe('the durability in force', () => {
  test('is two regions when commits wait for a standby that may be promoted', () => {
    assert.equal(durability('region', streaming(true), recorded), 'region')
    assert.equal(durability('strict', streaming(true), recorded), 'region')
  })

  test('is not yet two regions while commits wait for a standby that Patroni would not promote', () => {
    assert.equal(durability('region', streaming(true), { leader: 'us-east', standbys: [] }), 'at risk')
    assert.equal(
      durability('region', streaming(true), { leader: 'us-west', standbys: ['us-west'] }),
      'at risk',
    )
  })

  test('without a standby is at risk or stopped, by database.durability', () => {
    assert.equal(durability('region', streaming(false), recorded), 'at risk')
    assert.equal(durability('strict', [], recorded), 'stopped')
  })

  test('is unknown while the primary reports nothing, and local if configured', () => {
    assert.equal(durability('region', undefined, recorded), 'unknown')
    assert.equal(durability('local', streaming(true), recorded), 'local')
  })
})
