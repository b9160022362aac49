import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkMix } from '../../../../src/lab/users/plan/mix.ts'

const refused = (input: unknown) => {
  try {
    checkMix(input, 'my.yaml')
  } catch (error) {
    const { code, message, remedy } = error as { code: string; message: string; remedy: string }
    return `${code} ${message} ${remedy}`
  }
  return 'accepted'
}

test('an invalid mix is refused with path, expectation and suggestion', () => {
  const page = { get: '/' }
  assert.match(
    refused({ requests: { page }, stepps: 3 }),
    /usage_mix my\.yaml: unknown key stepps.*did you mean steps\?/s,
  )
  assert.match(
    refused({ requests: { page: { gett: '/' } } }),
    /requests\.page: unknown key gett.*did you mean get\?/s,
  )
  assert.match(refused({ requests: {} }), /at least one request/)
  assert.match(
    refused({ requests: { page }, first: 'pgae' }),
    /first: expected page, got pgae did you mean page\?/,
  )
  assert.match(refused({ requests: { page: { get: '/a', post: '/b' } } }), /one of get, post, .*found 2/)
  assert.match(refused({ requests: { page: { get: '/{id}' } } }), /\{id\}: expected reference, user, got id/)
  assert.match(
    refused({ requests: { page: { ...page, form: { a: 1 } } } }),
    /expected no body, because get has none/,
  )
  assert.match(
    refused({ requests: { page }, think: 'slowly' }),
    /think: expected a time or two, such as "2s"/,
  )
  assert.match(refused({ requests: { page: { get: 'page' } } }), /expected a path such as/)
  assert.match(
    refused({ requests: { page: { ...page, values: { id: 'many' } } } }),
    /requests\.page\.values\.id/,
  )
  assert.match(refused('home'), /usage_mix/)
  assert.match(refused(undefined), /usage_mix/)
  assert.match(refused({ requests: { page: { ...page, weight: 0 } } }), /a weight above 0/)
})

test('a mix has defaults', () => {
  const mix = checkMix({ requests: { page: { get: '/' } } }, 'my.yaml')
  assert.deepEqual(mix, {
    name: 'my.yaml',
    steps: 8,
    thinkMs: { min: 1000, max: 5000 },
    first: undefined,
    assets: true,
    requests: {
      page: {
        weight: 1,
        method: 'GET',
        path: '/',
        follow: undefined,
        values: {},
        body: undefined,
        headers: {},
      },
    },
  })
})
