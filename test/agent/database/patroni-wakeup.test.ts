import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { Snapshot } from '../../../src/agent/coordination/snapshot.ts'
import { ElectionWakeup, StandbyWakeup } from '../../../src/agent/database/patroni-wakeup.ts'
import type { Logger } from '../../../src/lib/log.ts'
import { freeNetwork } from '../../support/net.ts'
import { until } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

/** A fake Patroni of us-west that records wake-ups, and the agent's parts that the code under test needs. */
async function patroniOfWest(t: TestContext, changes: Parameters<typeof topologyOf>[1] = {}) {
  const topology = topologyOf(twoRegions, { network: { base: await freeNetwork() }, ...changes })
  const context = contextFor(topology, 'us-west')
  const reasons: string[] = []
  const server = createServer(async (request, response) => {
    const body = JSON.parse((await request.toArray()).join('')) as { nearside_woken: string }
    reasons.push(body.nearside_woken.replace(/ \d+$/, ''))
    response.end('{}')
  })
  await new Promise<void>((resolve) =>
    server.listen(context.topology.ports.patroni, context.region.address, resolve),
  )
  t.after(() => server.close())
  return { reasons, agent: { context, log: { warn: () => undefined } as unknown as Logger, stopping: false } }
}

test('a region’s Patroni is woken once when another region’s etcd member becomes unreachable, and repeatedly without a leader', async (t) => {
  const { reasons, agent } = await patroniOfWest(t)
  const waker = new ElectionWakeup(agent)
  const look = (answers: boolean, leader?: string) =>
    waker.update({
      initialized: true,
      leader: leader && { region: leader },
      reports: { 'us-west': { seen: { 'us-east': { etcd: { ok: answers, forMs: 100 } } } } },
    } as unknown as Snapshot)
  look(true, 'us-east')
  look(false, 'us-east')
  await until('being woken', () => reasons.length > 0)
  for (let again = 0; again < 3; again += 1) look(false, 'us-east')
  await until('being woken for the election', () => {
    look(false)
    return reasons.length > 1
  })
  assert.deepEqual(reasons, ['us-east is unreachable', 'there is no leader'])
})

test('a member that becomes unreachable right after another still gets its wake-up', async (t) => {
  const { reasons, agent } = await patroniOfWest(t)
  const waker = new ElectionWakeup(agent)
  const look = (...unreachable: string[]) =>
    waker.update({
      initialized: true,
      leader: { region: 'us-east' },
      reports: {
        'us-west': {
          seen: Object.fromEntries(
            ['us-east', 'us-central'].map((name) => [
              name,
              { etcd: { ok: !unreachable.includes(name), forMs: 100 } },
            ]),
          ),
        },
      },
    } as unknown as Snapshot)
  look()
  look('us-central')
  await until('the first wake-up', () => reasons.length > 0)
  await until('the second one', () => {
    look('us-central', 'us-east')
    return reasons.length > 1
  })
  assert.deepEqual(reasons, ['us-central is unreachable', 'us-east is unreachable'])
})

type Standby = { state?: string; streams?: boolean; recorded?: boolean; leader?: string }

/** A snapshot in which us-west leads and us-east has a replica. */
const store = ({ state = 'running', streams = false, recorded = false, leader = 'us-west' }: Standby) =>
  ({
    leader: { region: leader },
    reports: {
      'us-east': { region: 'us-east', database: { role: 'replica', state } },
      'us-west': {
        region: 'us-west',
        database: { role: 'primary', standbys: streams ? [{ region: 'us-east' }] : [] },
      },
    },
    sync: { leader: 'us-west', standbys: recorded ? ['us-east'] : [] },
  }) as unknown as Snapshot

test('the primary’s Patroni is woken for a starting standby until it streams and may be promoted', async (t) => {
  const { reasons, agent } = await patroniOfWest(t)
  let nowMs = 0
  const waker = new StandbyWakeup(agent, () => nowMs)
  const woken = async (standby: Standby) => {
    const before = reasons.length
    nowMs += 1000
    waker.update(store(standby))
    await until('being woken', () => reasons.length > before)
  }
  waker.update(store({ state: 'starting' }))
  waker.update(store({ leader: 'us-east' }))
  waker.update(store({ streams: true, recorded: true }))
  // It is a sync standby that has stopped streaming: Patroni's next loop would let commits continue without it.
  waker.update(store({ recorded: true }))
  await woken({})
  waker.update(store({}))
  await woken({ streams: true })
  assert.deepEqual(reasons, Array(2).fill('us-east is starting'))
})

test('with durability “local”, a streaming standby needs no more wake-ups', async (t) => {
  const { reasons, agent } = await patroniOfWest(t, { database: { durability: 'local' } })
  const waker = new StandbyWakeup(agent, () => 0)
  waker.update(store({ streams: true }))
  waker.update(store({}))
  await until('being woken', () => reasons.length > 0)
  assert.deepEqual(reasons, ['us-east is starting'])
})

test('the primary’s Patroni is woken ten times for a standby without progress, and again after the standby was up', async (t) => {
  const { reasons, agent } = await patroniOfWest(t)
  let nowMs = 0
  const waker = new StandbyWakeup(agent, () => nowMs)
  const look = (standby: Standby) => {
    nowMs += 1000
    waker.update(store(standby))
  }
  for (let seconds = 0; seconds < 60; seconds += 1) look({})
  await until('being woken', () => reasons.length >= 10)
  look({ streams: true, recorded: true })
  look({})
  await until('being woken again', () => reasons.length > 10)
  assert.equal(reasons.length, 11)
})
