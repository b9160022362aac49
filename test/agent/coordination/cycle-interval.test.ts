import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cycleIntervalMs } from '../../../src/agent/coordination/cycle-interval.ts'

const failover = { probeMs: 500, suspectMs: 2000 }
const seen = (ok: boolean, forMs: number) => ({ ok, forMs })
const well = { edge: seen(true, 60_000), etcd: seen(true, 60_000) }
const silent = (forMs: number) => ({ edge: seen(false, forMs + 300), etcd: seen(false, forMs) })

test('an agent is in haste when a region falls silent, until the election is over, and not for as long as it is dead', () => {
  assert.equal(cycleIntervalMs({ 'us-west': well }, failover), 1000)
  assert.equal(cycleIntervalMs({ 'us-west': silent(100), 'us-east': well }, failover), 200)
  assert.equal(cycleIntervalMs({ 'us-west': silent(15_000) }, failover), 200)
  assert.equal(cycleIntervalMs({ 'us-west': silent(30_000) }, failover), 1000)
  assert.equal(cycleIntervalMs({ 'us-west': silent(86_400_000) }, failover), 1000)
})

test('when the verdict falls due every look counts', () => {
  assert.equal(cycleIntervalMs({ 'us-west': silent(1700) }, failover), 200)
  assert.equal(cycleIntervalMs({ 'us-west': silent(1850) }, failover), 50)
  assert.equal(cycleIntervalMs({ 'us-west': silent(2900), 'us-east': well }, failover), 50)
  assert.equal(cycleIntervalMs({ 'us-west': silent(3100) }, failover), 200)
})

test('a second region that falls silent brings the haste back', () => {
  assert.equal(cycleIntervalMs({ 'us-west': silent(86_400_000), 'us-east': silent(0) }, failover), 200)
})

test('a region that answers something is not silent; one of which nothing is known yet is', () => {
  assert.equal(cycleIntervalMs({ 'us-west': { ...silent(100), app: seen(true, 5) } }, failover), 1000)
  assert.equal(cycleIntervalMs({ 'us-west': {} }, failover), 200)
})

test('probes that are quicker than the haste set the pace', () => {
  assert.equal(cycleIntervalMs({ 'us-west': silent(100) }, { probeMs: 100, suspectMs: 2000 }), 100)
})
