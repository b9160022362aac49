import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegionStatus } from '../../../src/agent/http/status.ts'
import type { ProcessState } from '../../../src/agent/supervision/transitions.ts'
import { progressLines, wordsOf } from '../../../src/cli/up/progress.ts'
import type { Region } from '../../../src/topology/regions.ts'
import type { Sample } from '../../../src/world/start.ts'

const plain = (_: unknown, text: string) => text

function look(name: string, states: Record<string, ProcessState> = {}, more: Partial<Sample> = {}): Sample {
  const processes = Object.entries(states).map(([process, state]) => ({
    name: process,
    engine: 'app' as const,
    state,
    restarts: 0,
    ...(state === 'waiting' ? { why: 'for postgres' } : {}),
    ...(state === 'backoff' ? { why: 'it exited' } : {}),
  }))
  const ready = processes.every((one) => one.state === 'ready')
  const region = { name, serves: true } as Region
  if (processes.length === 0) return { region }
  return { region, status: { processes, ready } as unknown as RegionStatus, ...more }
}

test('a region’s progress names what is changing, and what is waiting only if nothing changes', () => {
  assert.equal(wordsOf(look('a')), 'starting the agent')
  assert.equal(wordsOf(look('a', { etcd: 'starting', 'app-0': 'waiting' })), 'starting etcd')
  assert.equal(wordsOf(look('a', { etcd: 'ready', 'app-0': 'waiting' })), 'app-0 is waiting for postgres')
  assert.equal(wordsOf(look('a', { etcd: 'ready', 'app-0': 'backoff' })), 'restarting: app-0 (it exited)')
  assert.equal(wordsOf(look('a', { etcd: 'ready' }, { edge: false })), 'waiting for its edge to find the app')
  assert.equal(wordsOf(look('a', { etcd: 'ready' }, { edge: true })), 'ready')
})

test('the block has a line per region, and one for the remaining condition once all are ready', () => {
  const samples = [
    look('us-east', { etcd: 'ready', 'app-0': 'waiting' }),
    look('eu', { etcd: 'ready' }, { edge: true }),
  ]
  const options = { title: 'Starting shop', rest: () => 'waiting for a standby' }
  assert.deepEqual(progressLines(samples, 4.25, options, plain), [
    'Starting shop  4.3 s',
    '  us-east  ●○  app-0 is waiting for postgres',
    '  eu       ●   ready',
  ])
  const ready = [look('eu', { etcd: 'ready' }, { edge: true })]
  assert.deepEqual(progressLines(ready, 5, options, plain).at(-1)!.trim(), 'waiting for a standby')
})
