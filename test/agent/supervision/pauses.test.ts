import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { afterFailure, defaultBackoff } from '../../../src/agent/supervision/backoff.ts'
import type { Launcher } from '../../../src/agent/supervision/launch.ts'
import { Supervisor } from '../../../src/agent/supervision/supervisor.ts'
import type { PlanProcess } from '../../../src/plan.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const planned = (name: string, after: string[] = []): PlanProcess => ({
  name,
  engine: 'app',
  command: ['true'],
  env: {},
  run: 'host',
  after,
  ready: { kind: 'exec', command: ['true'] },
  readyTimeoutMs: 1000,
  stop: { signal: 'SIGTERM', timeoutMs: 1000 },
})

/** A supervisor whose starts all fail, with the times of its attempts. */
function failing(clock: ManualClock, processes = [planned('broken')]) {
  const startsMs: number[] = []
  const launcher: Launcher = {
    async launch() {
      startsMs.push(clock.now())
      throw new Error('no such program')
    },
    recorded: () => undefined,
    reload: async () => undefined,
    forget: async () => undefined,
    prepare: () => ({ file: 'true', args: [], env: {}, cwd: '/' }),
  }
  const plan = { region: 'here', address: '127.0.0.1', folders: [], files: [], processes }
  const supervisor = new Supervisor({ plan, launcher, clock })
  const shown = (name = 'broken') => {
    const { state, why, restarts } = supervisor.status().find((one) => one.name === name)!
    return { state, why, restarts }
  }
  return { supervisor, startsMs, shown }
}

const minuteMs = 60_000

describe('pauses before restarts', () => {
  test('double from 250 ms to 15 s; after the twelfth failure attempts are a minute apart', async () => {
    const clock = new ManualClock()
    const { supervisor, startsMs } = failing(clock)
    supervisor.start()
    await clock.advance(10 * minuteMs)
    const pauses = startsMs.slice(1).map((atMs, i) => atMs - startsMs[i]!)
    assert.deepEqual(pauses.slice(0, 13), [
      250,
      500,
      1000,
      2000,
      4000,
      8000,
      15_000,
      15_000,
      15_000,
      15_000,
      15_000,
      minuteMs,
      minuteMs,
    ])
    await supervisor.stop()
  })

  test('are shown with the reason, and giving up with the number of failures in a row', async () => {
    const clock = new ManualClock()
    const { supervisor, shown } = failing(clock)
    supervisor.start()
    await clock.advance(0)
    assert.deepEqual(shown(), { state: 'backoff', why: 'no such program', restarts: 1 })
    await clock.advance(10 * minuteMs)
    const { state, why, restarts } = shown()
    assert.equal(state, 'gaveUp')
    assert.equal(
      why,
      `could not be started ${restarts} times in a row: no such program; retrying once a minute`,
    )
    await supervisor.stop()
  })

  test('are skipped for a process that ran for long enough', () => {
    assert.deepEqual(afterFailure(0, defaultBackoff), { event: 'fail', pauseMs: 0 })
  })

  test('end when the operator restarts the process, and failures count from zero again', async () => {
    const clock = new ManualClock()
    const { supervisor, startsMs, shown } = failing(clock)
    supervisor.start()
    await clock.advance(10 * minuteMs)
    const before = startsMs.length
    await supervisor.restart('broken')
    await clock.advance(250)
    assert.equal(startsMs.length, before + 2)
    assert.equal(shown().state, 'backoff')
    await supervisor.stop()
  })

  test('end when the process is stopped, and nothing starts it afterwards', async () => {
    const clock = new ManualClock()
    const { supervisor, startsMs, shown } = failing(clock)
    supervisor.start()
    await clock.advance(10_000)
    await supervisor.stop()
    const before = startsMs.length
    assert.equal(clock.pending, 0)
    await clock.advance(10 * minuteMs)
    assert.equal(startsMs.length, before)
    assert.equal(shown().state, 'stopped')
  })

  test('end when the agent leaves, and nothing starts the process afterwards', async () => {
    const clock = new ManualClock()
    const { supervisor, startsMs, shown } = failing(clock)
    supervisor.start()
    await clock.advance(10_000)
    const before = startsMs.length
    await supervisor.leave()
    await clock.advance(10 * minuteMs)
    assert.equal(startsMs.length, before)
    assert.equal(shown().state, 'backoff')
  })
})

test('a process that was stopped while it waited for another one waits again when it is restarted', async () => {
  const clock = new ManualClock()
  const { supervisor, shown } = failing(clock, [planned('broken'), planned('after', ['broken'])])
  supervisor.start()
  await clock.advance(0)
  assert.deepEqual(shown('after'), { state: 'waiting', why: 'for broken', restarts: 0 })
  await supervisor.stop(({ name }) => name === 'after')
  assert.equal(shown('after').state, 'stopped')
  await supervisor.restart('after')
  assert.deepEqual(shown('after'), { state: 'waiting', why: 'for broken', restarts: 0 })
  await supervisor.stop()
})
