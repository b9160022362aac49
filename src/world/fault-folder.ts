import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of a world's fault records. Only `src/lab/faults` knows their content. */
export const faultFolder = (worldFolder: string) => join(worldFolder, 'faults')

/** A cheap check for commands without faults, before they load the code that heals. */
export function hasFaultRecords(worldFolder: string): boolean {
  try {
    return readdirSync(faultFolder(worldFolder)).some((name) => name.endsWith('.json'))
  } catch {
    return false
  }
}
