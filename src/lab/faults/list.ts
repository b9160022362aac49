import type { Needs } from './driver.ts'
import { usageOf } from './parse.ts'
import { driverOf, type FaultKind, faultKinds } from './table.ts'

/** Description of a kind in `nearside lab fault --list`. */
type ListedFault = {
  kind: FaultKind
  /** The arguments after the kind. */
  typed: string
  does: string
  heals: string
  needs: Needs
  note?: string
}

export const listFaults = (): ListedFault[] =>
  faultKinds.map((kind) => {
    const driver = driverOf({ kind })
    const { does, heals, needs, note } = driver
    return { kind, typed: usageOf(driver), does, heals, needs, ...(note === undefined ? {} : { note }) }
  })
