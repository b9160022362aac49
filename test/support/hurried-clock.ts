import { type Clock, systemClock } from '../../src/lib/clock.ts'

/** A clock that runs `times` as fast, for code that also waits for real processes. */
export const hurriedClock = (times: number): Clock => ({
  now: () => systemClock.now() * times,
  setTimeout: (run, ms) => systemClock.setTimeout(run, ms / times),
})
