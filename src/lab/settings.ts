import type { LabRecord } from '../agent/layout.ts'
import { NearsideError } from '../lib/errors.ts'
import { bytes, list } from '../lib/format.ts'
import type { MeasuredRtts } from '../topology/round-trips.ts'

/** Options of one `lab up`; undefined leaves a setting as it is, false resets it. */
type Said = {
  rttMs?: MeasuredRtts | false | undefined
  appFaults?: boolean | undefined
  smallDisks: Readonly<Record<string, number>>
}

type Settings = Omit<LabRecord, 'id'>

/**
 * A lab's settings: from this `lab up`, otherwise from an earlier one. `kept` lists the earlier ones for the operator,
 * who may have forgotten them. A small disk holds the database, so it stays until both are purged. Pure.
 */
export function settingsOf(said: Said, before: Settings = {}): { settings: Settings; kept: string[] } {
  const { rttMs: rttBefore, appFaults: faultsBefore = false, smallDisks: disksBefore = {} } = before
  for (const [region, size] of Object.entries(said.smallDisks)) {
    const has = disksBefore[region]
    if (has === undefined || has === size) continue
    throw new NearsideError(
      'lab_disk_in_use',
      `--small-disk: ${region} already has a disk of ${bytes(has)} with its database on it`,
      {
        remedy:
          'run `nearside lab down --purge`, then `nearside lab up --small-disk …`, which starts with an empty database',
      },
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
      ...(appFaults && said.appFaults === undefined ? ['app faults (until --no-app-faults)'] : []),
      ...(disksKept.length > 0 ? [`a small disk in ${list(disksKept)} (until lab down --purge)`] : []),
    ],
  }
}
