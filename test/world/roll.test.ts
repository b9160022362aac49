import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { RegionStatus } from '../../src/agent/http/status.ts'
import { NearsideError } from '../../src/lib/errors.ts'
import { handleOf } from '../../src/world/handle.ts'
import { roll } from '../../src/world/roll.ts'
import { freeEndpoint, temporaryFolder } from '../support/sandboxed.ts'
import { sampleSecrets, topologyOf, twoRegions } from '../support/topologies.ts'

/** Answers every call as etcd would, and keeps what is put. */
async function fakeEtcd() {
  const { host, port } = await freeEndpoint()
  const events: { region: string; kind: string; detail: Record<string, unknown> }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    if (request.url === '/v3/kv/put')
      events.push(JSON.parse(Buffer.from(JSON.parse(body).value, 'base64').toString()))
    response.end(JSON.stringify({ token: 't', header: { revision: '1' } }))
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return { host, port, events, close: () => server.close() }
}

test('a roll-out that fails or is interrupted is recorded with the changed keys, and without values or logs', async () => {
  const etcd = await fakeEtcd()
  try {
    const [east, ...others] = Object.entries(twoRegions)
    const regions = Object.fromEntries([[east![0], { ...east![1], address: etcd.host }], ...others])
    const topology = topologyOf(regions, { ports: { etcdClient: etcd.port } })
    const record = { topology, revision: 'r', topologyFile: '/x', appFolder: '/x', run: '1' }
    const world = handleOf(temporaryFolder('roll'), record, sampleSecrets)
    const before: typeof world = {
      ...world,
      call: async () => {
        throw new NearsideError('agent_died', 'its agent exited: LOG=hunter2')
      },
    }
    const paths = ['app.env.LOG']
    const change = { kind: 'live' as const, paths, restarts: {}, reloads: {}, removed: {}, added: {} }
    const statuses = new Map([['us-east', { ready: true } as RegionStatus]])
    const rolled = (signal: AbortSignal) =>
      roll(before, world, change, statuses, { note: () => undefined, signal })
    await assert.rejects(rolled(new AbortController().signal), { code: 'agent_died' })
    await rolled(AbortSignal.abort())
    const at = { kind: 'rollOut', region: 'us-east' }
    assert.deepEqual(
      etcd.events.map(({ kind, region, detail }) => ({ kind, region, detail })),
      [
        { ...at, detail: { state: 'started', paths, done: [] } },
        { ...at, detail: { state: 'failed', paths, done: [], why: 'agent_died' } },
        { ...at, detail: { state: 'started', paths, done: [] } },
        { ...at, detail: { state: 'interrupted', paths, done: [] } },
      ],
    )
  } finally {
    etcd.close()
  }
})
