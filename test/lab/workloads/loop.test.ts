import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openLoop } from '../../../src/lab/workloads/loop.ts'

describe('an open loop', () => {
  test('starts operations on schedule, whether or not earlier ones have ended', async () => {
    const stop = new AbortController()
    const answers = Promise.withResolvers<void>()
    let begun = 0
    const running = openLoop({
      perSecond: 1000,
      signal: stop.signal,
      maxInFlight: 50,
      begin: () => {
        begun += 1
        if (begun === 50) stop.abort()
        return answers.promise
      },
      refuse: () => assert.fail('there was room'),
    })
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
    let over = false
    running.then(() => (over = true))
    await delay(20)
    // Waits for started operations.
    assert.equal(over, false)
    answers.resolve()
    await running
  })

  test('refuses operations beyond the limit, and continues counting', async () => {
    const stop = new AbortController()
    const refused: number[] = []
    const begun: number[] = []
    await openLoop({
      perSecond: 1000,
      signal: stop.signal,
      maxInFlight: 3,
      begin: (n) => {
        begun.push(n)
        return new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve()))
      },
      refuse: (n) => {
        refused.push(n)
        if (refused.length === 5) stop.abort()
      },
    })
    assert.deepEqual(begun, [0, 1, 2])
    assert.deepEqual(refused.slice(0, 5), [3, 4, 5, 6, 7])
  })

  test('reports an operation that was not recorded', async () => {
    const stop = new AbortController()
    const running = openLoop({
      perSecond: 1000,
      signal: stop.signal,
      maxInFlight: 100,
      begin: async () => {
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
        throw new RangeError('a bug')
      },
      refuse: () => undefined,
    })
    setTimeout(() => stop.abort(), 30)
    await assert.rejects(running, /not recorded: a bug/)
  })
})
