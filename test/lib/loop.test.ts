import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { every, Loop, type LoopOptions } from '../../src/lib/loop.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** A loop on a manual clock, with the start times of its rounds. */
function looping(options: Partial<LoopOptions> = {}) {
  const clock = new ManualClock()
  const startedMs: number[] = []
  const errors: unknown[] = []
  const loop = new Loop({
    restMs: 100,
    onError: (error) => errors.push(error),
    clock,
    ...options,
    round: (signal) => {
      startedMs.push(clock.now())
      return options.round?.(signal)
    },
  })
  return { clock, startedMs, errors, loop }
}

/** A round with this duration. */
const taking = (clock: () => ManualClock, ms: number) => () =>
  new Promise<void>((resolve) => clock().setTimeout(resolve, ms))

describe('a loop', () => {
  test('runs its first round immediately or after a delay, and rests between rounds', async () => {
    const { clock, startedMs, loop } = looping()
    loop.start()
    assert.deepEqual(startedMs, [0])
    await clock.advance(250)
    assert.deepEqual(startedMs, [0, 100, 200])
    const later = looping()
    later.loop.start(30)
    await later.clock.advance(140)
    assert.deepEqual(later.startedMs, [30, 130])
  })

  test('rests after a round, or starts rounds at an interval, and never runs two at the same time', async () => {
    const after = looping({ round: taking(() => after.clock, 40) })
    after.loop.start()
    await after.clock.advance(300)
    assert.deepEqual(after.startedMs, [0, 140, 280])
    const spaced = looping({ round: taking(() => spaced.clock, 40), restMs: every(100) })
    spaced.loop.start()
    await spaced.clock.advance(250)
    assert.deepEqual(spaced.startedMs, [0, 100, 200])
    const slow = looping({ round: taking(() => slow.clock, 150), restMs: every(100, 20) })
    slow.loop.start()
    await slow.clock.advance(400)
    assert.deepEqual(slow.startedMs, [0, 170, 340])
  })

  test('starts the next round immediately when triggered', async () => {
    const { clock, startedMs, loop } = looping()
    loop.start()
    await clock.advance(30)
    loop.trigger()
    await clock.advance(100)
    assert.deepEqual(startedMs, [0, 30, 130])
  })

  test('triggered during a round, does not rest after it', async () => {
    const { clock, startedMs, loop } = looping({ round: () => taking(() => clock, 40)() })
    loop.start()
    await clock.advance(10)
    loop.trigger()
    await clock.advance(150)
    assert.deepEqual(startedMs, [0, 40])
    await clock.advance(50)
    assert.deepEqual(startedMs, [0, 40, 180])
  })

  test('reports the error of a failed round and continues', async () => {
    const { clock, startedMs, errors, loop } = looping({
      round: () => {
        throw new Error('etcd does not answer')
      },
    })
    loop.start()
    await clock.advance(100)
    assert.deepEqual(startedMs, [0, 100])
    assert.match(String(errors[0]), /etcd does not answer/)
  })

  test('stop ends a rest immediately and waits for a current round', async () => {
    const resting = looping()
    resting.loop.start()
    await resting.clock.advance(10)
    await resting.loop.stop()
    assert.equal(resting.clock.pending, 0)

    let aborted = false
    const working = looping({
      round: async (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        await taking(() => working.clock, 40)()
      },
    })
    working.loop.start()
    let ended = false
    const stopped = working.loop.stop().then(() => {
      ended = true
    })
    await working.clock.advance(30)
    assert.deepEqual([aborted, ended], [true, false])
    await working.clock.advance(10)
    await stopped
    assert.deepEqual(working.startedMs, [0])
  })

  test('stop returns immediately if the loop never started; before the first delay ends, no round runs', async () => {
    await looping().loop.stop()
    const { clock, startedMs, loop } = looping()
    loop.start(100)
    await loop.stop()
    await clock.advance(200)
    assert.deepEqual(startedMs, [])
  })
})
