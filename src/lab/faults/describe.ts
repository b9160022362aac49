import { describeMs } from '../../lib/format.ts'
import { boundMs, type FaultValue } from './fault.ts'
import { driverOf } from './table.ts'

/** Faults in words, as an imperative. Pure. */

export const describeEffect = (fault: FaultValue): string => driverOf(fault).describe(fault)

/** With the longest time that the fault lasts, if its end is a step of its own. */
export function describeFault(fault: FaultValue): string {
  const lasts = boundMs(fault) > 0 && describeHealing(fault) !== undefined
  return `${describeEffect(fault)}${lasts ? `, for ${describeMs(boundMs(fault))} at most` : ''}`
}

/** Undefined for a fault that is over by itself. */
export const describeHealing = (fault: FaultValue): string | undefined =>
  driverOf(fault).describeHealing(fault)
