import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesIn } from '../../../src/world/status/changes.ts'
import { sampleRegions, shared, statusOf, withoutAgent } from './sample.ts'

test('the log of a running world has new and resolved problems and the primary, but no changing numbers', () => {
  const well = statusOf(sampleRegions())
  const [east, ...rest] = sampleRegions()
  const killed = statusOf([withoutAgent(east!, 'gone'), ...rest])
  assert.deepEqual(changesIn(well, killed), [
    'the primary in us-east does not answer: writes wait until it does or another region takes over',
    'us-east: no process is running',
  ])
  assert.equal(changesIn(killed, well).length, 2)
  assert.match(changesIn(killed, well)[1]!, /^resolved: us-east: no process is running$/)
  const moved = statusOf(sampleRegions().map((one) => ({ ...one, world: { ...shared, primary: 'us-west' } })))
  assert.equal(changesIn(well, moved)[0], 'primary: us-west (was us-east)')
  const old = (ageMs: number) =>
    statusOf(sampleRegions().map((one) => ({ ...one, world: { ...shared, ageMs } })))
  assert.deepEqual(changesIn(old(9000), old(10_000)), [])
})
