import { every, Loop } from '../../lib/loop.ts'
import type { FaultContext } from './driver.ts'
import type { FaultValue } from './fault.ts'

type Work = {
  repeat?: () => void
  /** Runs once if another process heals the fault: `nearside down`, or a guard that found it overdue. */
  healedElsewhere: () => void | Promise<void>
}

/**
 * Runs `repeat` every `everyMs` while the fault is active, until the returned function is called. Ignores errors, which
 * come from a world that is being stopped.
 */
export function whileActive(
  { record, active }: FaultContext<FaultValue>,
  everyMs: number,
  { repeat, healedElsewhere }: Work,
): () => void {
  const loop: Loop = new Loop({
    async round() {
      if (active().some(({ id }) => id === record.id)) return repeat?.()
      void loop.stop()
      await healedElsewhere()
    },
    restMs: every(everyMs),
    onError: () => undefined,
  })
  loop.start(everyMs)
  return () => void loop.stop()
}
