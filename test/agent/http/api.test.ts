import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Agent } from '../../../src/agent/agent.ts'
import { api } from '../../../src/agent/http/api.ts'

/** The parts of an agent that these calls need. */
function apiOf(restarted: string[] = []) {
  const agent = {
    log: { warn: () => undefined },
    context: { region: { name: 'us-east' }, secrets: { api: 'token' }, topology: { name: 'shop' } },
    supervisor: {
      status: () => ['etcd', 'app-0'].map((name) => ({ name })),
      restart: async (name: string) => void restarted.push(name),
    },
  } as unknown as Agent
  return api({ agent, requestsPerSecond: () => 0, metrics: async () => '', exit: () => undefined })
}

const restart = (body: string, app = apiOf()) =>
  app.request('/v1/restart', { method: 'POST', body, headers: { authorization: 'Bearer token' } })

test('restarting an unknown process gives 404 and the names of the known ones', async () => {
  for (const [body, got] of [
    ['{"process":"app-7"}', '"app-7"'],
    ['{}', 'undefined'],
  ] as const) {
    const answer = await restart(body)
    assert.equal(answer.status, 404)
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    assert.deepEqual(error, { code: 'process_unknown', message: `process: expected etcd, app-0, got ${got}` })
  }
  const restarted: string[] = []
  assert.equal((await restart('{"process":"app-0"}', apiOf(restarted))).status, 200)
  assert.deepEqual(restarted, ['app-0'])
})

test('calls without the world’s token are refused', async () => {
  const restarted: string[] = []
  const answer = await apiOf(restarted).request('/v1/restart', {
    method: 'POST',
    body: '{"process":"app-0"}',
  })
  assert.deepEqual([answer.status, restarted], [401, []])
})
