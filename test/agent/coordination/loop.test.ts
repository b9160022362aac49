import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Looks } from '../../../src/agent/coordination/loop.ts'
import type { Snapshot } from '../../../src/agent/coordination/store.ts'
import { until } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

const context = contextFor(topologyOf(twoRegions), 'us-east')

/** Looks at a shared state that is led by one region after the other; the last one stays. */
function looksAt(leaders: (string | undefined)[], follow: (before: string | undefined) => void) {
  const read = async () => {
    const region = leaders.length > 1 ? leaders.shift() : leaders[0]
    return { leader: region === undefined ? undefined : { region } } as Snapshot
  }
  return new Looks({
    context,
    shared: { publish: async () => undefined, read },
    version: 'test',
    seen: () => ({}),
    database: () => undefined,
    follow: async (_, before) => follow(before),
  })
}

test('who led before is known across an election, in which nobody does', async () => {
  const before: (string | undefined)[] = []
  const looks = looksAt(['us-east', undefined, 'us-west'], (region) => before.push(region))
  looks.start()
  await until('three looks', () => {
    looks.soon()
    return before.length > 2
  })
  await looks.stop()
  assert.deepEqual(before.slice(0, 3), [undefined, 'us-east', 'us-east'])
})

test('what follows from a look and fails is the look’s own failure, and forgotten when it succeeds again', async () => {
  let broken = true
  const looks = looksAt(['us-east'], () => {
    if (broken) throw new Error('etcd is silent')
  })
  assert.equal(looks.error, 'not asked yet')
  looks.start()
  await until('a failure', () => looks.error === 'etcd is silent')
  assert.equal(looks.snapshot?.leader?.region, 'us-east')
  broken = false
  await until('a success', () => {
    looks.soon()
    return looks.error === undefined
  })
  await looks.stop()
})

test('who waits for a look goes on when it shows what is waited for, and when there are no more', async () => {
  const looks = looksAt([undefined, 'us-west'], () => undefined)
  const led = looks.until(({ leader }) => leader !== undefined)
  const never = looks.until(() => false)
  looks.start()
  await until('a second look', () => {
    looks.soon()
    return looks.snapshot?.leader !== undefined
  })
  await led
  await looks.stop()
  await never
})
