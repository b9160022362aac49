import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../../../../src/engines/knot/message.ts'
import { Resolver } from '../../../../src/lab/users/client/resolver.ts'

const reply = (addresses: string[], ttlSeconds: number, code = 0): Reply => ({
  id: 1,
  code,
  truncated: false,
  scope: 24,
  records: addresses.map((data) => ({ type: 'A', ttlSeconds, data })),
})

test('an answer is cached for exactly its TTL', async () => {
  let [now, asked] = [0, 0]
  const resolver = new Resolver(['a'], 'x.example', undefined, async () => {
    asked += 1
    return reply([`10.0.0.${asked}`], 20)
  })
  const addresses = async () => {
    const found = await resolver.resolve(() => now)
    return found.ok ? found.addresses[0] : found.why
  }
  assert.equal(await addresses(), '10.0.0.1')
  now = 19_999
  assert.equal(await addresses(), '10.0.0.1')
  now = 20_000
  assert.equal(await addresses(), '10.0.0.2')
  assert.equal(asked, 2)
})

test('concurrent lookups share a query, and failures are not cached', async () => {
  let asked = 0
  const replies = [undefined, reply([], 0, 5), reply([], 9), reply(['10.0.0.9'], 0)]
  const resolver = new Resolver(['a'], 'x.example', undefined, async () => replies[asked++])
  const resolve = () => resolver.resolve(() => 0)
  const [one, other] = await Promise.all([resolve(), resolve()])
  assert.deepEqual(
    [one, other, asked],
    [{ ok: false, why: 'unreachable' }, { ok: false, why: 'unreachable' }, 1],
  )
  assert.deepEqual(await resolve(), { ok: false, why: 'refused' })
  assert.deepEqual(await resolve(), { ok: false, why: 'empty' })
  assert.deepEqual(await resolve(), { ok: true, addresses: ['10.0.0.9'] })
  assert.equal(resolver.kept(0), undefined, 'a TTL of 0 is for one use')
})
