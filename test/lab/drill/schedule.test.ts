import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { impaired, roundOf, stepsOf } from '../../../src/lab/drill/schedule.ts'
import { regions } from './samples.ts'

suite('the schedule of a soak', () => {
  const options = (seed: number) => ({ seed, regions, ground: 'lab' as const })

  test('is determined by the seed', () => {
    const rounds = (seed: number) => Array.from({ length: 20 }, (_, i) => roundOf(i, options(seed)))
    assert.deepEqual(rounds(7), rounds(7))
    assert.notDeepEqual(rounds(7), rounds(8))
  })

  test('disables at most one region at a time, which this topology survives', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 500 }), (seed, number) => {
        const { faults } = roundOf(number, options(seed))
        assert.ok(faults.length > 0)
        assert.ok(new Set(faults.flatMap(({ fault }) => impaired(fault))).size <= 1)
      }),
    )
  })

  test('disables several regions at a time with --beyond', () => {
    const worst = Array.from({ length: 50 }, (_, i) => roundOf(i, { ...options(1), beyond: true })).map(
      ({ faults }) => new Set(faults.flatMap(({ fault }) => impaired(fault))).size,
    )
    assert.ok(Math.max(...worst) >= 2)
  })

  test('heals every fault at its time, then waits for the world', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const round = roundOf(0, options(seed))
        const steps = stepsOf(round, 1000)
        const paused = steps.reduce((sum, step) => sum + (step.do === 'pause' ? step.ms : 0), 0)
        assert.equal(paused, round.forMs)
        const lasting = steps.flatMap((step) =>
          step.do === 'inject' && 'forMs' in step.fault ? [step.as] : [],
        )
        const healed = steps.flatMap((step) => (step.do === 'heal' ? [step.which] : []))
        assert.deepEqual(healed.sort(), lasting.sort())
        assert.deepEqual(steps.at(-1), { do: 'until', what: 'settled', limitMs: 1000 })
      }),
    )
  })
})
