import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Region } from '../../src/topology/regions.ts'
import type { WorldHandle } from '../../src/world/handle.ts'
import { isHere, isLocal, localRegions } from '../../src/world/here.ts'

test('loopback and the machine’s own addresses are local, others are not', () => {
  assert.deepEqual(['127.77.1.1', '192.0.2.1'].map(isLocal), [true, false])
})

test('in a lab every region is here', () => {
  const regions = [{ name: 'us-east', address: '10.77.1.1' }] as Region[]
  const lab = { regions, record: { lab: { id: '0123abcd' } } } as unknown as WorldHandle
  const other = { regions, record: {} } as unknown as WorldHandle
  assert.deepEqual([isHere(lab, regions[0]!), localRegions(lab)], [true, regions])
  assert.deepEqual(localRegions(other), [])
})
