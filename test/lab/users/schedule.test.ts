import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Schedule } from '../../../src/lab/users/schedule.ts'

test('the schedule is ordered by due time, and by insertion for equal times', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: -1, max: 21 }), (times, now) => {
      const schedule = new Schedule<number>()
      for (const [i, time] of times.entries()) schedule.add(time, i)
      const taken: { atMs: number; what: number }[] = []
      for (let one = schedule.take(now); one; one = schedule.take(now))
        taken.push({ atMs: one.atMs, what: one.what })
      const expected = times
        .map((atMs, what) => ({ atMs, what }))
        .filter(({ atMs }) => atMs <= now)
        .sort((a, b) => a.atMs - b.atMs || a.what - b.what)
      assert.deepEqual(taken, expected)
      let rest = 0
      while (schedule.take(Infinity)) rest += 1
      assert.equal(rest, times.length - expected.length)
    }),
  )
})
