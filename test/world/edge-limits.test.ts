import assert from 'node:assert/strict'
import { test } from 'node:test'
import { edgeLimitWarnings } from '../../src/world/edge-limits.ts'
import { topologyOf, withEdge } from '../support/topologies.ts'

const machine = { openFiles: 20_000, memoryBytes: 8 * 1024 ** 3 }
const warned = (maxConnections?: number) =>
  edgeLimitWarnings(topologyOf(withEdge, { edge: { maxConnections } }), machine)

test('a number of connections that the machine cannot give is named, with what it can', () => {
  assert.deepEqual(warned(), [])
  assert.deepEqual(warned(6_000), [])
  const [warning, ...others] = warned(10_000)
  assert.deepEqual(others, [])
  assert.equal(warning?.path, 'edge.maxConnections')
  assert.match(
    warning!.message,
    /^expected at most 6,729 with this machine’s limit of 20,000 open files and its memory, got 10,000: us-east will take 6,729$/,
  )
  assert.match(warning!.remedy!, /ulimit -n/)
})
