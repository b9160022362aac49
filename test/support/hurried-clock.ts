import { type Clock, systemClock } from '../../src/lib/clock.ts'

/** Time that passes `times` as fast, for what has to wait for real processes as well. */
export const hurriedClock = (times: number): Clock => ({
  now: () => systemClock.now() * times,
  setTimeout: (run, ms) => systemClock.setTimeout(run, ms / times),
})
