import { NearsideError } from '../../lib/errors.ts'
import { what } from './say.ts'
import type { Fault, FaultKind } from './types.ts'

/** Why this world cannot have a fault, and what could. */

export const noSmallDisk = (region: string) =>
  new NearsideError(
    'fault_no_small_disk',
    `disk-full: the database in ${region} has no disk of its own that could be filled`,
    {
      remedy: `start the lab with one: nearside lab up --small-disk ${region}=1gb (a lab that has data begins anew: nearside lab down --purge first)`,
    },
  )

export const noPreload = (kind: FaultKind, region: string) =>
  new NearsideError(
    'fault_no_preload',
    `${kind}: the app in ${region} was started without what such faults need`,
    {
      remedy:
        'start the lab for it: nearside lab up --app-faults (apps that run on Node only); app-hang works everywhere',
    },
  )

export const nothingThere = (fault: Fault) =>
  new NearsideError('fault_nothing_there', `${what(fault)}: nothing of that name runs there`, {
    remedy: 'nearside status --verbose names every process',
  })
