import type { FaultContext } from '../driver.ts'
import { nothingThere } from '../errors.ts'
import type { FaultValue } from '../fault.ts'
import { resume, stop } from '../signals.ts'
import type { ProcessChoice } from '../target.ts'

/** The part of a driver whose fault keeps processes stopped with SIGSTOP. */
export const stopping = <F extends FaultValue>(stops: (fault: F) => readonly ProcessChoice[]) => ({
  stops,
  async inject({ target, fault, effect }: FaultContext<F>) {
    const stopped = await stop(target, stops(fault))
    if (stopped.length === 0) throw nothingThere(effect)
  },
  heal: ({ target, fault, held }: FaultContext<F>) => resume(target, stops(fault), held),
})
