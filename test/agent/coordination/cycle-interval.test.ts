import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cycleIntervalMs } from '../../../src/agent/coordination/cycle-interval.ts'

const failover = { probeMs: 500, suspectMs: 2000 }
const seen = (ok: boolean, forMs: number) => ({ ok, forMs })
const healthy = { edge: seen(true, 60_000), etcd: seen(true, 60_000) }
const unreachable = (forMs: number) => ({ edge: seen(false, forMs + 300), etcd: seen(false, forMs) })

test('cycles are fast from when a region becomes unreachable until the election is over, but not for as long as it is down', () => {
  assert.equal(cycleIntervalMs({ 'us-west': healthy }, failover), 1000)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(100), 'us-east': healthy }, failover), 200)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(15_000) }, failover), 200)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(30_000) }, failover), 1000)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(86_400_000) }, failover), 1000)
})

test('cycles are fastest when the verdict is due', () => {
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(1700) }, failover), 200)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(1850) }, failover), 50)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(2900), 'us-east': healthy }, failover), 50)
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(3100) }, failover), 200)
})

test('cycles are fast again when a second region becomes unreachable', () => {
  assert.equal(
    cycleIntervalMs({ 'us-west': unreachable(86_400_000), 'us-east': unreachable(0) }, failover),
    200,
  )
})

test('a region that answers any probe is reachable; one without any answer yet counts as unreachable', () => {
  assert.equal(cycleIntervalMs({ 'us-west': { ...unreachable(100), app: seen(true, 5) } }, failover), 1000)
  assert.equal(cycleIntervalMs({ 'us-west': {} }, failover), 200)
})

test('without a fault there is a cycle every second at least, for leases of 3 s, whatever the probe interval', () => {
  for (const probeMs of [100, 500, 2000, 10_000])
    assert.ok(cycleIntervalMs({ 'us-west': healthy }, { probeMs, suspectMs: 2 * probeMs }) <= 1000)
})

test('a probe interval shorter than the fast interval takes precedence', () => {
  assert.equal(cycleIntervalMs({ 'us-west': unreachable(100) }, { probeMs: 100, suspectMs: 2000 }), 100)
})
