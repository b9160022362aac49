import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CookieJar } from '../../../../src/lab/users/client/cookies.ts'

test('cookies are sent to their path until they expire', () => {
  const jar = new CookieJar()
  jar.set(
    [
      'a=1; Path=/',
      'b=2; Path=/orders; HttpOnly',
      'c=3; Max-Age=10',
      'd=4=5; Path=/; Expires=Thu, 01 Jan 1970 00:00:30 GMT',
    ],
    '/shop/cart?x=1',
    0,
  )
  assert.equal(jar.header('/', 0), 'a=1; d=4=5')
  assert.equal(jar.header('/orders', 0), 'b=2; a=1; d=4=5')
  assert.equal(jar.header('/orders/7?y', 0), 'b=2; a=1; d=4=5')
  assert.equal(jar.header('/ordersx', 0), 'a=1; d=4=5')
  assert.equal(jar.header('/shop/x', 9999), 'c=3; a=1; d=4=5', 'without a path: that of the request')
  assert.equal(jar.header('/shop/x', 10_000), 'a=1; d=4=5')
  assert.equal(jar.header('/', 30_000), 'a=1')
  jar.set(['a=9; Path=/'], '/', 0)
  assert.equal(jar.header('/', 40_000), 'a=9')
  jar.set(['a=; Path=/; Max-Age=0'], '/', 0)
  assert.equal(jar.header('/', 40_000), undefined)
})

test('no header breaks the jar, and it sends only cookies that were set', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (headers, path) => {
      const jar = new CookieJar()
      jar.set(headers, path, 0)
      const sent = jar.header(path, 0) ?? ''
      for (const pair of sent === '' ? [] : sent.split('; ')) {
        assert.ok(headers.some((header) => header.includes(pair.slice(0, pair.indexOf('=')))))
      }
    }),
  )
})
