import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fill } from '../../../../src/lab/users/plan/fill.ts'
import { checkMix } from '../../../../src/lab/users/plan/mix.ts'
import { seeded } from '../../../../src/lab/users/plan/random.ts'

test('placeholders: one value per name in a request, encoded for its place', () => {
  const { requests } = checkMix(
    {
      requests: {
        order: {
          post: '/orders/{id}?w={word}',
          values: { id: '5..7', word: ['a b&c'] },
          json: { reference: '{reference}', lines: [{ id: '{id}', note: '{word}' }] },
          headers: { 'X-Key': '{reference}' },
        },
        form: { post: '/f', values: { word: ['a b&c'] }, form: { 'product-{user}': '{word}' } },
      },
    },
    'test',
  )
  const own = { reference: 'u1-2', user: 'u1' }
  for (let seed = 0; seed < 20; seed++) {
    const { path, body, headers } = fill(requests.order!, seeded(seed, 'x'), own)
    const [, id] = /^\/orders\/([567])\?w=a%20b%26c$/.exec(path)!
    assert.deepEqual(JSON.parse(body!.text), { reference: 'u1-2', lines: [{ id, note: 'a b&c' }] })
    assert.deepEqual(headers, { 'x-key': 'u1-2' })
  }
  assert.equal(fill(requests.form!, seeded(1, 'x'), own).body!.text, 'product-u1=a%20b%26c')
})
