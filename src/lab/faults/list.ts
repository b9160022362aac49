import type { Needs } from './driver.ts'
import { usageOf } from './parse.ts'
import { driverOf, type FaultKind, faultKinds } from './table.ts'

/** What `nearside lab fault --list` says of a kind. */
type ListedFault = {
  kind: FaultKind
  /** What follows the kind on a command line. */
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
