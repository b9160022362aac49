import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegionStatus } from '../../../src/agent/http/status.ts'
import type { ProcessState } from '../../../src/agent/supervision/transitions.ts'
import { stopLines } from '../../../src/cli/stop-view.ts'
import { changesIn } from '../../../src/cli/up/foreground.ts'
import { progressLines, wordsOf } from '../../../src/cli/up/progress.ts'
import type { Region } from '../../../src/topology/regions.ts'
import type { Sample } from '../../../src/world/start.ts'
import { sampleRegions, shared, statusOf, withoutAgent } from '../../world/status/sample.ts'

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

test('a region’s words say what moves, and what waits only when nothing moves', () => {
  assert.equal(wordsOf(look('a')), 'its agent starts')
  assert.equal(wordsOf(look('a', { etcd: 'starting', 'app-0': 'waiting' })), 'starting etcd')
  assert.equal(wordsOf(look('a', { etcd: 'ready', 'app-0': 'waiting' })), 'app-0 waits for postgres')
  assert.equal(wordsOf(look('a', { etcd: 'ready', 'app-0': 'backoff' })), 'trying again: app-0 (it exited)')
  assert.equal(wordsOf(look('a', { etcd: 'ready' }, { edge: false })), 'its edge finds the app')
  assert.equal(wordsOf(look('a', { etcd: 'ready' }, { edge: true })), 'ready')
})

test('the block has a line for each region, and one for what is waited for when all are ready', () => {
  const samples = [
    look('us-east', { etcd: 'ready', 'app-0': 'waiting' }),
    look('eu', { etcd: 'ready' }, { edge: true }),
  ]
  const options = { title: 'Starting shop', rest: () => 'waiting for a standby' }
  assert.deepEqual(progressLines(samples, 4.25, options, plain), [
    'Starting shop  4.3 s',
    '  us-east  ●○  app-0 waits for postgres',
    '  eu       ●   ready',
  ])
  const ready = [look('eu', { etcd: 'ready' }, { edge: true })]
  assert.deepEqual(progressLines(ready, 5, options, plain).at(-1)!.trim(), 'waiting for a standby')
})

test('stopping shows how long each stage took, and the one that runs', () => {
  const lines = stopLines(
    'shop',
    [
      { step: 'users', at: 0 },
      { step: 'replica', at: 1500 },
    ],
    4000,
    plain,
  )
  assert.deepEqual(
    lines.map((line) => line.replace(/ +/g, ' ')),
    [
      'Stopping shop',
      ' ✓ users: edges, caches, DNS and the app 1.5 s',
      ' ● replicas: the standby databases 2.5 s',
    ],
  )
})

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
