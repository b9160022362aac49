import { describeMs } from '../../lib/format.ts'
import { boundMs, type FaultValue } from './fault.ts'
import { driverOf } from './table.ts'

/** Descriptions of faults, as imperatives. Pure. */

export const describeEffect = (fault: FaultValue): string => driverOf(fault).describe(fault)

/** Includes the maximum duration of a fault that has to be healed. */
export function describeFault(fault: FaultValue): string {
  const lasts = boundMs(fault) > 0 && describeHealing(fault) !== undefined
  return `${describeEffect(fault)}${lasts ? `, for at most ${describeMs(boundMs(fault))}` : ''}`
}

/** Undefined for a fault that needs no healing. */
export const describeHealing = (fault: FaultValue): string | undefined =>
  driverOf(fault).describeHealing(fault)
