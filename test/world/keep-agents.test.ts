import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orphaned } from '../../src/world/keep-agents.ts'

const at = (region: string, ...names: string[]) => names.map((name) => ({ region, name }))

test('a region with running engines but no agent is orphaned', () => {
  const processes = [...at('us-east', 'agent', 'haproxy'), ...at('us-west', 'haproxy', 'etcd')]
  assert.deepEqual(orphaned(['us-east', 'us-west'], processes), ['us-west'])
})

test('a region without any process was killed or stopped on purpose', () => {
  assert.deepEqual(orphaned(['us-east', 'us-west'], at('us-east', 'agent', 'haproxy')), [])
})
