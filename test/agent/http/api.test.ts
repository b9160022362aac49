import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Agent } from '../../../src/agent/agent.ts'
import { api, listen } from '../../../src/agent/http/api.ts'
import { freeEndpoint } from '../../support/sandboxed.ts'

const regions = [
  { name: 'us-east', full: true, serves: true },
  { name: 'us-west', full: true, serves: true },
  { name: 'us-central', full: false, serves: false },
]

/** The parts of an agent that these calls need. */
function apiOf(restarted: string[] = [], more: object = {}) {
  const agent = {
    log: { warn: () => undefined },
    context: { region: { name: 'us-east' }, regions, secrets: { api: 'token' }, topology: { name: 'shop' } },
    supervisor: {
      status: () => ['etcd', 'app-0'].map((name) => ({ name })),
      restart: async (name: string) => void restarted.push(name),
    },
    ...more,
  } as unknown as Agent
  return api({ agent, traffic: () => undefined, metrics: async () => '', exit: () => undefined })
}

const restart = (body: string, app = apiOf()) =>
  app.request('/v1/restart', { method: 'POST', body, headers: { authorization: 'Bearer token' } })

test('restarting an unknown process gives 404, and a missing name 400, with the names of the known ones', async () => {
  for (const [body, status, code, got] of [
    ['{"process":"app-7"}', 404, 'process_unknown', '"app-7"'],
    ['{}', 400, 'body_invalid', 'nothing'],
    ['{"process":7}', 400, 'body_invalid', '7'],
  ] as const) {
    const answer = await restart(body)
    assert.equal(answer.status, status)
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    assert.deepEqual(error, { code, message: `process: expected etcd, app-0, got ${got}` })
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
  assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /)
})

const authorization = 'Bearer token'

test('a bad request gets a 4xx with an error that names the expectation, whatever the route', async () => {
  const app = apiOf()
  const posts: [path: string, form: string][] = [
    ['/v1/switchover', '{ "to" }'],
    ['/v1/restart', '{ "process" }'],
    ['/v1/stop', '{ "stage" }'],
    ['/v1/purge', '{ "scope", "path", "host", "regions" }'],
  ]
  for (const [path, form] of posts)
    for (const [body, got] of [
      ['', 'nothing'],
      [' \n', 'nothing'],
      ['{"to": ', 'something that is not JSON'],
      ['\u0000\ufffd', 'something that is not JSON'],
      ['null', 'null'],
      ['[]', 'a list'],
      ['"us-west"', 'a string'],
      ['5', 'a number'],
    ] as const)
      for (const type of ['application/json', 'text/plain', 'multipart/form-data']) {
        const headers = { authorization, 'content-type': type }
        const answer = await app.request(path, { method: 'POST', body, headers })
        const { error } = (await answer.json()) as { error: { code: string; message: string } }
        const message = `body: expected a JSON object such as ${form}, got ${got}`
        assert.deepEqual([answer.status, error], [400, { code: 'body_invalid', message }], path + body)
      }
})

test('a value of the wrong type, or a misspelt key, is refused before anything happens', async () => {
  const app = apiOf()
  for (const [path, body, status, message] of [
    ['/v1/switchover', '{"to": 5}', 400, 'to: expected us-east or us-west, got 5'],
    ['/v1/switchover', '{"to": "mars"}', 400, 'to: expected us-east or us-west, got "mars"'],
    ['/v1/switchover', '{"to": "us-central"}', 400, 'to: expected us-east or us-west, got "us-central"'],
    ['/v1/switchover', '{"too": "us-west"}', 400, 'body: expected no key but to, got "too"'],
    ['/v1/restart', '{"process": ["etcd"]}', 400, 'process: expected etcd, app-0, got ["etcd"]'],
    ['/v1/stop', '{"stage": {}}', 400, 'stage: expected one of quiet, users, replica, primary, all, got {}'],
    [
      '/v1/stop',
      '{"stage": "__proto__"}',
      400,
      'stage: expected one of quiet, users, replica, primary, all, got "__proto__"',
    ],
  ] as const) {
    const answer = await app.request(path, { method: 'POST', body, headers: { authorization } })
    const { error } = (await answer.json()) as { error: { message: string } }
    assert.deepEqual([answer.status, error.message], [status, message], body)
  }
})

test('a wrong method gets 405 with the right ones, an unknown route 404', async () => {
  const app = apiOf()
  for (const [path, wrong, allow] of [
    ['/v1/status', ['POST', 'PUT', 'DELETE', 'OPTIONS'], 'GET, HEAD'],
    ['/v1/events', ['POST'], 'GET, HEAD'],
    ['/alive', ['POST'], 'GET, HEAD'],
    ['/metrics', ['PATCH'], 'GET, HEAD'],
    ...['switchover', 'restart', 'release', 'leave', 'stop', 'purge'].map(
      (name) => [`/v1/${name}`, ['GET', 'PUT', 'DELETE'], 'POST'] as const,
    ),
  ] as const)
    for (const method of wrong) {
      const answer = await app.request(path, { method, headers: { authorization } })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow], `${method} ${path}`)
      assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'method_not_allowed')
    }
  for (const path of ['/', '/v1', '/v1/', '/v1/nothing', '/v1/%00', '/v1/status/x', '/v2/status'])
    assert.equal((await app.request(path, { headers: { authorization } })).status, 404, path)
  const { error } = (await (await app.request('/v2/status')).json()) as { error: object }
  assert.deepEqual(error, { code: 'not_found', message: 'this API has no route GET /v2/status' })
})

test('a huge body gets 413, also over a connection', async () => {
  const app = apiOf()
  const body = JSON.stringify({ to: 'x'.repeat(5_000_000) })
  const { host, port } = await freeEndpoint()
  const server = await listen(app, host, port)
  try {
    for (const path of ['switchover', 'restart', 'stop', 'leave', 'release', 'purge']) {
      const question = { method: 'POST', body, headers: { authorization } }
      assert.equal((await app.request(`/v1/${path}`, question)).status, 413, path)
      const answer = await fetch(`http://${host}:${port}/v1/${path}`, question)
      assert.equal(answer.status, 413, path)
      assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'body_too_large')
    }
  } finally {
    server.close()
  }
})

test('a purge is added to the list and answered with its outcomes; a bad one gets 400', async () => {
  const added: object[] = []
  const app = apiOf([], {
    coordination: {
      snapshot: { reports: { 'us-east': { purges: { applied: 3 } } } },
      trigger: () => undefined,
    },
    store: {
      purges: {
        async add(request: object) {
          added.push(request)
          return { number: 3, id: 'x', ...request }
        },
      },
      record: async () => undefined,
    },
  })
  const purge = async (body: object) => {
    const headers = { authorization: 'Bearer token' }
    const answer = await app.request('/v1/purge', { method: 'POST', body: JSON.stringify(body), headers })
    return [answer.status, await answer.json()] as const
  }
  assert.deepEqual(await purge({ scope: 'path', path: '/a*' }), [
    200,
    { number: 3, regions: { 'us-east': { outcome: 'purged' }, 'us-west': { outcome: 'unreachable' } } },
  ])
  assert.deepEqual(added, [{ scope: { kind: 'path', path: '/a*' } }])
  const [status, { error }] = (await purge({ scope: 'all', regions: ['us-central'] })) as [
    number,
    { error: object },
  ]
  const message = 'regions: expected regions with caches (us-east and us-west), got "us-central"'
  assert.deepEqual([status, error], [400, { code: 'purge_invalid', message }])
  assert.equal(added.length, 1)
})
