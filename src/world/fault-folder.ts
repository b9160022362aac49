import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Records of the faults that rehearsals have injected into a world. Their content is the business of `src/lab/faults`. */
export const faultFolder = (worldFolder: string) => join(worldFolder, 'faults')

/** Cheap: commands that rehearse nothing ask this before they load the code that heals. */
export function hasFaultRecords(worldFolder: string): boolean {
  try {
    return readdirSync(faultFolder(worldFolder)).some((name) => name.endsWith('.json'))
  } catch {
    return false
  }
}
