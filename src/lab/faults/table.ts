import { NearsideError } from '../../lib/errors.ts'
import type { FaultDriver, FaultOption } from './driver.ts'
import { type AppFault, absentAppFaults, appFaults } from './drivers/app.ts'
import { type DatabaseFault, databaseFaults } from './drivers/database.ts'
import { absentDiskFaults, type DiskFault, diskFaults } from './drivers/disk.ts'
import { type EtcdFault, etcdFaults } from './drivers/etcd.ts'
import { type LinkFault, linkFaults } from './drivers/links.ts'
import { type ProcessFault, processFaults } from './drivers/processes.ts'
import { type RegionFault, regionFaults } from './drivers/regions.ts'
import type { FaultValue } from './fault.ts'

export type Fault = ProcessFault | RegionFault | LinkFault | EtcdFault | DiskFault | DatabaseFault | AppFault
export type FaultKind = Fault['kind']
type Drivers = { [K in FaultKind]: FaultDriver<Extract<Fault, { kind: K }>> }

/** All kinds of faults, in the order of `--list`. */
const drivers: Drivers = {
  ...processFaults,
  ...regionFaults,
  ...linkFaults,
  ...etcdFaults,
  ...diskFaults,
  ...databaseFaults,
  ...appFaults,
}

export const faultKinds = Object.keys(drivers) as FaultKind[]

export const isFaultKind = (kind: string): kind is FaultKind => Object.hasOwn(drivers, kind)

/** A record on disk may come from another version of Nearside. Its kind can be shown, but not healed. */
export const driverOf = ({ kind }: FaultValue): FaultDriver<FaultValue> =>
  isFaultKind(kind) ? drivers[kind] : foreign

const foreign: FaultDriver<FaultValue> = {
  words: [],
  does: '',
  heals: '',
  needs: 'anywhere',
  parse: ({ kind }) => ({ kind }),
  describe: ({ kind }) => `${kind} (a kind of fault that this version of Nearside does not know)`,
  describeHealing: () => undefined,
  inject: ({ fault }) => Promise.reject(unknownToUs(fault)),
  heal: ({ fault }) => Promise.reject(unknownToUs(fault)),
}

const unknownToUs = ({ kind }: FaultValue) =>
  new NearsideError('fault_kind_unknown', `${kind}: unknown fault in this version of Nearside`, {
    remedy: 'heal it with the version that injected it',
  })

/** Each option once, with its kinds. */
export const faultOptions: readonly { option: FaultOption<unknown>; kinds: FaultKind[] }[] = [
  ...new Set(faultKinds.flatMap((kind) => drivers[kind].options ?? [])),
].map((option) => ({ option, kinds: faultKinds.filter((kind) => drivers[kind].options?.includes(option)) }))

/** Faults that a user may expect but that do not exist, with the reason. */
export const absent: Readonly<Record<string, string>> = { ...absentDiskFaults, ...absentAppFaults }
