import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { afterEach, describe, test } from 'node:test'
import type { Agent } from '../../../src/agent/agent.ts'
import { switchover } from '../../../src/agent/database/switchover.ts'
import { freeEndpoint } from '../../support/sandboxed.ts'
import { contextFor, threeRegions, topologyOf } from '../../support/topologies.ts'

const closing: (() => unknown)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const limits = { syncMs: 200, seenMs: 200, firstWriteMs: 200 }

/**
 * An agent that sees three full regions, with us-east leading and both others as sync standbys, and a Patroni that
 * reports success while the leader lock goes to `lands`.
 */
async function agentWhose(lands: string | undefined) {
  const { host, port } = await freeEndpoint()
  const regions = Object.entries(threeRegions).map(([name, region]) => [name, { ...region, address: host }])
  const context = contextFor(topologyOf(Object.fromEntries(regions), { ports: { patroni: port } }), 'us-east')
  const standbys = ['us-west', 'eu-west'].map((region) => ({
    region,
    synchronous: true,
    lagMs: 0,
    lagBytes: 0,
  }))
  const recorded: unknown[] = []
  const snapshot = {
    leader: { region: 'us-east' },
    sync: { leader: 'us-east', standbys: ['us-west', 'eu-west'] },
    reports: { 'us-east': { database: { role: 'primary', standbys } } },
  }
  const agent = {
    context,
    coordination: { snapshot },
    store: { record: async (...event: unknown[]) => recorded.push(event) },
  }
  const patroni = createServer((_, response) => {
    if (lands !== undefined) snapshot.leader = { region: lands }
    response.end('Failed over to "eu-west" instead of "us-west"')
  })
  await new Promise<void>((resolve) => patroni.listen(port, host, resolve))
  closing.push(() => patroni.close())
  return { agent: agent as unknown as Agent, recorded }
}

describe('a switchover', () => {
  test('to a region other than the requested one is reported as an error and does not wait forever', async () => {
    const { agent, recorded } = await agentWhose('eu-west')
    await assert.rejects(switchover(agent, 'us-west', limits), {
      code: 'moved_elsewhere',
      message: /moved from us-east to eu-west instead of us-west/,
    })
    assert.equal(recorded.length, 1)
  })

  test('without a requested region may go to any', async () => {
    const { agent } = await agentWhose('eu-west')
    assert.equal((await switchover(agent, undefined, limits)).to, 'eu-west')
  })

  test('after which no region becomes leader fails after a time', async () => {
    const { agent } = await agentWhose(undefined)
    await assert.rejects(switchover(agent, 'us-west', limits), { code: 'move_not_seen' })
  })
})
