import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTicker } from '../../../examples/shop/ticker.ts'

test('all listeners get the same news, loaded once', async () => {
  let loads = 0
  const ticker = startTicker(1, async () => ++loads)
  assert.deepEqual(await Promise.all([ticker.next(), ticker.next(), ticker.next()]), [1, 1, 1])
  assert.equal(await ticker.next(), 2)
  ticker.close()
})

test('closing ends every wait', async () => {
  const ticker = startTicker(3_600_000, async () => 'never')
  const waiting = ticker.next()
  ticker.close()
  assert.equal(await waiting, undefined)
  assert.equal(await ticker.next(), undefined)
})
