import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CoordinationLoop } from '../../../src/agent/coordination/loop.ts'
import type { Snapshot } from '../../../src/agent/coordination/snapshot.ts'
import { NearsideError } from '../../../src/lib/errors.ts'
import { until } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

const context = contextFor(topologyOf(twoRegions), 'us-east')

/** A CoordinationLoop whose state store shows one leader after the other; the last one stays. */
function loopOver(leaders: (string | undefined)[], follow: (before: string | undefined) => void) {
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

test('the previous leader is remembered across an election', async () => {
  const before: (string | undefined)[] = []
  const coordination = loopOver(['us-east', undefined, 'us-west'], (region) => before.push(region))
  coordination.start()
  await until('three coordination', () => {
    coordination.trigger()
    return before.length > 2
  })
  await coordination.stop()
  assert.deepEqual(before.slice(0, 3), [undefined, 'us-east', 'us-east'])
})

test('a failing follow-up fails the cycle, is blamed on who failed, and is cleared when it succeeds again', async () => {
  let broken: Error | undefined = new NearsideError('etcd_unreachable', 'etcd does not answer')
  const coordination = loopOver(['us-east'], () => {
    if (broken) throw broken
  })
  assert.deepEqual(coordination.failure, { of: 'etcd', why: 'no answer from etcd yet' })
  coordination.start()
  await until('a failure', () => coordination.failure?.why === 'etcd does not answer')
  assert.equal(coordination.failure?.of, 'etcd')
  assert.equal(coordination.snapshot?.leader?.region, 'us-east')
  broken = new TypeError('x is not a function')
  await until('another failure', () => {
    coordination.trigger()
    return coordination.failure?.of === 'agent'
  })
  broken = undefined
  await until('a success', () => {
    coordination.trigger()
    return coordination.failure === undefined
  })
  await coordination.stop()
})

test('waiting ends when a snapshot meets the condition, and when the loop stops', async () => {
  const coordination = loopOver([undefined, 'us-west'], () => undefined)
  const led = coordination.until(({ leader }) => leader !== undefined)
  const never = coordination.until(() => false)
  coordination.start()
  await until('a second cycle', () => {
    coordination.trigger()
    return coordination.snapshot?.leader !== undefined
  })
  await led
  await coordination.stop()
  await never
})
