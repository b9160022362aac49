import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { Snapshot } from '../../src/agent/shared.ts'
import { ElectionWaker } from '../../src/agent/wake.ts'
import type { Logger } from '../../src/lib/log.ts'
import { freeNetwork } from '../support/net.ts'
import { until } from '../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../support/topologies.ts'

test('a region’s Patroni is woken when another region’s etcd member falls silent, once, and while nobody leads', async (t) => {
  const context = contextFor(topologyOf(twoRegions, { network: { base: await freeNetwork() } }), 'us-west')
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
  const waker = new ElectionWaker({
    context,
    log: { warn: () => undefined } as unknown as Logger,
    stopping: false,
  })
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
  assert.deepEqual(reasons, ['us-east is silent', 'nobody leads'])
})
