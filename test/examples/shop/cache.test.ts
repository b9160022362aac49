import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Cache, openCache } from '../../../examples/shop/cache.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { until } from '../../support/sandboxed.ts'

let redis: TestRedis
let cache: Cache
const log: string[] = []

before(async () => {
  redis = await startRedis()
  cache = openCache(redis.url, (line) => log.push(line))
  await until('the cache', () => cache.state() === 'up')
})

after(async () => {
  await cache?.close()
  await redis?.stop()
})

test('a value is computed once and then cached', async () => {
  const remember = (value: string) => cache.remember('once', 60, async () => value)
  assert.equal(await remember('first'), 'first')
  await until('the value in Redis', async () => (await redis.command('GET', 'once')) === '"first"')
  assert.equal(await remember('second'), 'first')
})

test('concurrent misses compute once', async () => {
  let computed = 0
  const remember = () => cache.remember('together', 60, async () => ++computed)
  assert.deepEqual(await Promise.all([remember(), remember(), remember()]), [1, 1, 1])
})

test('a failed computation rejects and is not cached', async () => {
  const fail = () => cache.remember('fails', 60, () => Promise.reject(new Error('no database')))
  await assert.rejects(fail, /no database/)
  assert.equal(await cache.remember('fails', 60, async () => 'now it works'), 'now it works')
})

test('without Redis every value is computed', async () => {
  const none = openCache(undefined, assert.fail)
  assert.equal(none.state(), 'off')
  assert.equal(await none.remember('x', 60, async () => 1), 1)
  assert.equal(await none.remember('x', 60, async () => 2), 2)
  await none.close()
})

test('a hung Redis delays no request', async () => {
  redis.pause()
  try {
    assert.equal(await cache.remember('hangs', 60, async () => 'computed'), 'computed')
  } finally {
    redis.resume()
  }
})

test('a dead Redis is a miss, is logged once, and is used again when it is back', async () => {
  await redis.kill()
  await until('the loss to be seen', () => cache.state() === 'down')
  assert.equal(await cache.remember('dies', 60, async () => 'computed'), 'computed')

  await redis.restart()
  await until('the cache', () => cache.state() === 'up')
  assert.equal(await cache.remember('back', 60, async () => 'kept'), 'kept')
  await until('the value in Redis', async () => (await redis.command('GET', 'back')) === '"kept"')
  assert.deepEqual(
    log.map((line) => line.replace(/\(.*\)/, '(why)')),
    ['cache: Redis is down, continuing without it (why)', 'cache: Redis is up again'],
  )
})

test('a Redis that never existed is a miss, too', async () => {
  const lines: string[] = []
  const nowhere = openCache('redis://127.0.0.1:1', (line) => lines.push(line))
  assert.equal(await nowhere.remember('x', 60, async () => 'computed'), 'computed')
  await until('the reason in the log', () => lines.length === 1)
  assert.equal(nowhere.state(), 'down')
  await nowhere.close()
})
