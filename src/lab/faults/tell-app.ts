import { setTimeout as sleep } from 'node:timers/promises'
import { type AppFault, controlOf, isAppFault, writeControl } from './app.ts'
import type { Records } from './record.ts'
import type { FaultTarget } from './target.ts'

/** Long enough for every instance to have looked. */
const appLooksMs = 250

/**
 * Puts all that is in force into the region's control file. Written again when another command has injected or healed
 * a fault meanwhile: what it wrote may have come before.
 */
export async function tellApp(target: FaultTarget, region: string, records: Records): Promise<void> {
  for (let told: string | undefined; ; ) {
    const here = records().filter(({ fault }) => isAppFault(fault) && fault.region === region)
    const ids = here.map(({ id }) => id).join()
    if (ids === told) break
    await writeControl(
      target.regionFolder(region),
      controlOf(here.map(({ fault, until }) => ({ fault: fault as AppFault, until }))),
    )
    told = ids
  }
  await sleep(appLooksMs)
}
