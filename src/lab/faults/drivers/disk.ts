import { NearsideError } from '../../../lib/errors.ts'
import { fullRegion } from '../arguments.ts'
import type { FaultDriver } from '../driver.ts'
import { isKind, type Lasting } from '../fault.ts'
import { fillDisk, freeDisk, mustBeSmallDisk } from '../fill-disk.ts'
import type { FaultRecord } from '../record.ts'
import type { FaultTarget } from '../target.ts'
import { whileActive } from '../upkeep.ts'

/** Fills the disk of the region's database, which `lab up --small-disk` must have created. */
export type DiskFault = { kind: 'disk-full'; region: string } & Lasting

/** The database itself frees some space now and then. */
const refillMs = 50

const diskFull: FaultDriver<DiskFault> = {
  words: ['REGION'],
  does: 'fills the disk of the region’s database to the last byte, and keeps it full',
  heals: 'the filler file is removed',
  needs: 'lab with --small-disk',
  note: 'the disk is a tmpfs, so a reboot empties it',
  parse(input) {
    const region = fullRegion(input)
    const { smallDisks } = input.facts
    if (smallDisks && !smallDisks.includes(region)) throw noSmallDisk(input.kind, region)
    return { kind: 'disk-full', region, forMs: input.forMs }
  },
  describe: ({ region }) => `fill the disk of the database in ${region}`,
  describeHealing: ({ region }) => `free the disk of the database in ${region}`,
  requires: ({ target, fault }) => mustBeSmallDisk(target.regionFolder(fault.region)),
  async inject(context, beforeHealing) {
    const { target, fault } = context
    const fill = () => fillDisk(target.regionFolder(fault.region))
    // The disk may have been filled again after the other command freed it.
    const free = () => freeUnlessHeld(target, fault.region, context.others())
    fill()
    const end = whileActive(context, refillMs, { repeat: fill, healedElsewhere: free })
    beforeHealing(() => {
      end()
      free()
    })
  },
  heal: async ({ target, fault, others }) => freeUnlessHeld(target, fault.region, others()),
}

export const diskFaults = { 'disk-full': diskFull }

export const absentDiskFaults = {
  'slow-disk':
    'cgroups can limit a disk’s throughput (io.max) where the kernel delegates that and the data is on a real disk, but they do not delay fsync, as a slow disk does',
}

const isDiskFull = isKind<DiskFault>('disk-full')

function freeUnlessHeld(target: FaultTarget, region: string, others: readonly FaultRecord[]): void {
  if (!others.some(({ fault }) => isDiskFull(fault) && fault.region === region))
    freeDisk(target.regionFolder(region))
}

const noSmallDisk = (kind: string, region: string) =>
  new NearsideError(
    'fault_no_small_disk',
    `${kind}: the database in ${region} has no disk of its own to fill`,
    {
      remedy: `run \`nearside lab up --small-disk ${region}=1gb\`; a lab with data needs \`nearside lab down --purge\` first`,
    },
  )
