import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventLoopLagNote, watchEventLoopLag } from '../../../src/lab/drill/event-loop-lag.ts'

test('a drill with too much event-loop lag reports it', () => {
  assert.equal(eventLoopLagNote(249, 1900), undefined)
  assert.match(eventLoopLagNote(400, 800)!, /400 ms at p99 .* 0\.8 s at most/)
  assert.match(eventLoopLagNote(30, 61_200)!, /61\.2 s at most/)
})

test('measures event-loop lag', async () => {
  const eventLoopLag = watchEventLoopLag()
  for (let i = 0; i < 3; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30))
    const untilMs = performance.now() + 400
    while (performance.now() < untilMs);
  }
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.match(eventLoopLag.end()!, /event-loop lag/)
})
