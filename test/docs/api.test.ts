import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Agent } from '../../src/agent/agent.ts'
import { api } from '../../src/agent/http/api.ts'
import { stages } from '../../src/agent/supervision/shutdown-order.ts'

const home = join(import.meta.dirname, '../..')
const page = readFileSync(join(home, 'docs/reference/api.md'), 'utf8')

/** Sections of the page by route: `GET /alive`. */
const documented = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => [/^`([A-Z]+ [^`]+)`/.exec(text)?.[1] ?? '', text]),
)

function app() {
  const context = { region: { name: 'us-east' }, secrets: { api: 'token' }, topology: { name: 'shop' } }
  const agent = { log: { warn: () => undefined }, context } as unknown as Agent
  return api({ agent, traffic: () => undefined, metrics: async () => '', exit: () => undefined })
}

test('the page has the routes that the agent serves, and no others', () => {
  const served = app().routes.flatMap(({ method, path }) => (method === 'ALL' ? [] : [`${method} ${path}`]))
  assert.deepEqual([...documented.keys()].sort(), served.sort())
})

test('a route answers without the token exactly when the page says so', async () => {
  for (const [route, text] of documented) {
    const [method = '', path = ''] = route.split(' ')
    const auth = /^- \*\*Auth:\*\* (none|token)$/m.exec(text)?.[1]
    assert.ok(auth, route)
    const { status } = await app().request(path, { method, ...(method === 'POST' ? { body: '{}' } : {}) })
    assert.equal(status === 401, auth === 'token', `${route}: ${status}`)
    assert.match(text, /^- \*\*Answer:\*\* \S/m, route)
  }
})

test('the error codes and the stages of the page are those of the code', () => {
  const source = globSync('src/{agent,engines,lib}/**/*.ts', { cwd: home })
    .map((file) => readFileSync(join(home, file), 'utf8'))
    .join('\n')
  const codes = [...page.matchAll(/^- \*\*Errors:\*\* ([\s\S]*?)(?=^$|^- |^\|)/gm)].flatMap(([, text]) =>
    [...text!.matchAll(/`(\w+)`/g)].map(([, code]) => code!),
  )
  assert.ok(codes.length > 8, codes.join(' '))
  for (const code of codes) assert.ok(source.includes(`'${code}'`), code)
  const rows = [...documented.get('POST /v1/stop')!.matchAll(/^\| `(\w+)` \|/gm)].map(([, stage]) => stage)
  assert.deepEqual(rows, [...stages])
})
