import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesIn } from '../../../src/world/status/changes.ts'
import { sampleRegions, shared, statusOf, withoutAgent } from './sample.ts'

test('a log of a running world tells what came, what went and where the primary is; not numbers that move', () => {
  const well = statusOf(sampleRegions())
  const [east, ...rest] = sampleRegions()
  const killed = statusOf([withoutAgent(east!, 'gone'), ...rest])
  assert.deepEqual(changesIn(well, killed), [
    'the primary in us-east does not answer: writes wait until it does or another region takes over',
    'us-east: nothing runs there',
  ])
  assert.equal(changesIn(killed, well).length, 2)
  assert.match(changesIn(killed, well)[1]!, /^no more: us-east: nothing runs there$/)
  const moved = statusOf(sampleRegions().map((one) => ({ ...one, world: { ...shared, primary: 'us-west' } })))
  assert.equal(changesIn(well, moved)[0], 'primary: us-west, before us-east')
  const old = (ageMs: number) =>
    statusOf(sampleRegions().map((one) => ({ ...one, world: { ...shared, ageMs } })))
  assert.deepEqual(changesIn(old(9000), old(10_000)), [])
})
