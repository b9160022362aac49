import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../../src/agent/coordination/snapshot.ts'
import { RegionAvailability } from '../../../src/agent/traffic/region-availability.ts'

type Health = Partial<Snapshot['health'][string]>
const rampSeconds = 30

/** The share of one region over time: at each step its health, and the monotonic clock in seconds. */
function shares(steps: readonly (Health & { atSeconds: number })[], wallMs = 0) {
  const availability = new RegionAvailability()
  return steps.map(({ atSeconds, ...health }) => {
    const entry = { state: 'healthy', revision: '1', sinceMs: 0, ...health } as Snapshot['health'][string]
    const one = availability.of({ health: { east: entry } }, rampSeconds, atSeconds * 1000, wallMs).east!
    return one.kind === 'healthy' ? one.share : one.kind
  })
}

test('a region that was healthy, was lost and returns gets its users back gradually', () => {
  const lost = { state: 'unreachable', revision: '2', atSeconds: 0 } as const
  const back = { revision: '3' }
  const found = shares([
    lost,
    { ...back, atSeconds: 10 },
    { ...back, atSeconds: 25 },
    { ...back, atSeconds: 41 },
  ])
  assert.deepEqual(found, ['unreachable', 0.1, 0.6, 1])
})

test('a region that is slow to be healthy for the first time gets all of its users at once', () => {
  const slow = { state: 'unhealthy', revision: '2', atSeconds: 0 } as const
  assert.deepEqual(shares([slow, { revision: '3', first: true, atSeconds: 10 }]), ['unhealthy', 1])
})

test('an agent that starts during a ramp continues it instead of ending it', () => {
  const wallMs = 1_700_000_000_000
  const back = { revision: '3', at: wallMs - 15_000, atSeconds: 5 }
  assert.deepEqual(shares([back], wallMs), [0.6])
  assert.deepEqual(shares([{ ...back, at: wallMs - 3_600_000 }], wallMs), [1])
  assert.deepEqual(shares([{ revision: '3', atSeconds: 5 }], wallMs), [1], 'an entry of an earlier version')
})
