import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeAside } from '../../lib/files.ts'
import type { FaultRecord } from './record.ts'

/**
 * Faults inside a Node app. In a lab started with `--app-faults`, NODE_OPTIONS loads `preload.cjs` into the app. The
 * preload does nothing without a control file, and nothing after that file's `until`, so the fault ends even if no
 * process is left to remove the file.
 */
const preload = fileURLToPath(new URL('./preload.cjs', import.meta.url))

/** Path in a region's folder, which the preload finds through NEARSIDE_FOLDER. */
const controlFile = 'run/app-fault.json'

/** `--require` works in every supported Node and runs before ES modules as well as CommonJS. */
export const nodeOptions = (before = ''): string => {
  const ours = `--require=${/\s/.test(preload) ? JSON.stringify(preload) : preload}`
  return before.includes(preload) ? before : `${before} ${ours}`.trim()
}

/** The process was started with the preload. `variable` reads its environment. */
export const hasPreload = (variable: (name: string) => string | undefined): boolean =>
  variable('NODE_OPTIONS')?.includes(preload) === true

/** Content of the control file: the combined active faults of one region. */
export type AppControl = {
  /** Milliseconds since 1970. */
  until: number
  errorShare?: number
  leakMbPerSecond?: number
  clockOffsetMs?: number
}

/** Undefined: no fault. */
type ControlOf = (records: readonly FaultRecord[]) => AppControl | undefined

/** Long enough for every instance to have read the file. */
const appReadsMs = 250

/**
 * Writes the control file from the records. Repeats if another command has injected or healed a fault meanwhile, since
 * either may have written last.
 */
export async function controlApp(
  regionFolder: string,
  records: () => readonly FaultRecord[],
  controlOf: ControlOf,
): Promise<void> {
  for (let told: string | undefined; ; ) {
    const known = records()
    const ids = known.map(({ id }) => id).join()
    if (ids === told) break
    await writeControl(regionFolder, controlOf(known))
    told = ids
  }
  await sleep(appReadsMs)
}

async function writeControl(regionFolder: string, control: AppControl | undefined): Promise<void> {
  const file = join(regionFolder, controlFile)
  if (control) await writeAside(file, JSON.stringify(control), 0o644)
  else rmSync(file, { force: true })
}
