import type { LabRecord } from '../agent/layout.ts'
import { NearsideError } from '../lib/errors.ts'
import { bytes, list } from '../lib/format.ts'
import type { MeasuredRtts } from '../topology/round-trips.ts'

/** What one `lab up` says of its lab; undefined: nothing. False takes back what an earlier one said. */
type Said = {
  rttMs?: MeasuredRtts | false | undefined
  appFaults?: boolean | undefined
  smallDisks: Readonly<Record<string, number>>
}

type Settings = Omit<LabRecord, 'id'>

/**
 * What a lab is like: what this `lab up` says, else what an earlier one did. `kept` is for the operator, who may have
 * forgotten. A small disk has the database in it, so it stays as it is until both are purged. Pure.
 */
export function settingsOf(said: Said, before: Settings = {}): { settings: Settings; kept: string[] } {
  const { rttMs: rttBefore, appFaults: faultsBefore = false, smallDisks: disksBefore = {} } = before
  for (const [region, size] of Object.entries(said.smallDisks)) {
    const has = disksBefore[region]
    if (has === undefined || has === size) continue
    throw new NearsideError(
      'lab_disk_in_use',
      `--small-disk: ${region} has a disk of ${bytes(has)} already, with its database in it`,
      { remedy: 'nearside lab down --purge, then nearside lab up --small-disk …: the lab begins anew' },
    )
  }
  const rttMs = said.rttMs === false ? undefined : (said.rttMs ?? rttBefore)
  const appFaults = said.appFaults ?? faultsBefore
  const smallDisks = { ...disksBefore, ...said.smallDisks }
  const disksKept = Object.keys(disksBefore).filter((region) => !(region in said.smallDisks))
  return {
    settings: {
      ...(rttMs ? { rttMs } : {}),
      ...(appFaults ? { appFaults } : {}),
      ...(Object.keys(smallDisks).length > 0 ? { smallDisks } : {}),
    },
    kept: [
      ...(rttMs && said.rttMs === undefined ? ['measured round trips (until --no-rtt)'] : []),
      ...(appFaults && said.appFaults === undefined
        ? ['faults inside the apps (until --no-app-faults)']
        : []),
      ...(disksKept.length > 0 ? [`a small disk in ${list(disksKept)} (until lab down --purge)`] : []),
    ],
  }
}
