import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CoordinationLoop } from '../../../src/agent/coordination/loop.ts'
import type { Snapshot } from '../../../src/agent/coordination/store.ts'
import { until } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

const context = contextFor(topologyOf(twoRegions), 'us-east')

/** CoordinationLoop at a store state that is led by one region after the other; the last one stays. */
function looksAt(leaders: (string | undefined)[], follow: (before: string | undefined) => void) {
  const read = async () => {
    const region = leaders.length > 1 ? leaders.shift() : leaders[0]
    return { leader: region === undefined ? undefined : { region } } as Snapshot
  }
  return new CoordinationLoop({
    context,
    store: { publish: async () => undefined, read },
    version: 'test',
    seen: () => ({}),
    database: () => undefined,
    follow: async (_, before) => follow(before),
  })
}

test('who led before is known across an election, in which nobody does', async () => {
  const before: (string | undefined)[] = []
  const coordination = looksAt(['us-east', undefined, 'us-west'], (region) => before.push(region))
  coordination.start()
  await until('three coordination', () => {
    coordination.soon()
    return before.length > 2
  })
  await coordination.stop()
  assert.deepEqual(before.slice(0, 3), [undefined, 'us-east', 'us-east'])
})

test('what follows from a look and fails is the look’s own failure, and forgotten when it succeeds again', async () => {
  let broken = true
  const coordination = looksAt(['us-east'], () => {
    if (broken) throw new Error('etcd is silent')
  })
  assert.equal(coordination.error, 'not asked yet')
  coordination.start()
  await until('a failure', () => coordination.error === 'etcd is silent')
  assert.equal(coordination.snapshot?.leader?.region, 'us-east')
  broken = false
  await until('a success', () => {
    coordination.soon()
    return coordination.error === undefined
  })
  await coordination.stop()
})

test('who waits for a look goes on when it shows what is waited for, and when there are no more', async () => {
  const coordination = looksAt([undefined, 'us-west'], () => undefined)
  const led = coordination.until(({ leader }) => leader !== undefined)
  const never = coordination.until(() => false)
  coordination.start()
  await until('a second look', () => {
    coordination.soon()
    return coordination.snapshot?.leader !== undefined
  })
  await led
  await coordination.stop()
  await never
})
