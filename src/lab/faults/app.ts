import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeAside } from '../../lib/files.ts'
import type { AppClock, AppError, AppLeak, Fault } from './types.ts'

/**
 * Faults inside a Node app. A module of ours (`preload.cjs`) is loaded into it by NODE_OPTIONS when the lab is started
 * with `--app-faults`; it does nothing until the file that is written here tells it to, and nothing after that file's
 * `until`, so that it ends also when nobody is left to remove the file.
 */
const preload = fileURLToPath(new URL('./preload.cjs', import.meta.url))

/** In a region's folder; the preload finds it by NEARSIDE_FOLDER. */
const controlFile = 'run/app-fault.json'

/** `--require`, which every Node that is in use knows, and which loads before modules of either kind. */
export const nodeOptions = (before = ''): string => {
  const ours = `--require=${/\s/.test(preload) ? JSON.stringify(preload) : preload}`
  return before.includes(preload) ? before : `${before} ${ours}`.trim()
}

/** Has this process been given the preload? `variable`: from its environment. */
export const hasPreload = (variable: (name: string) => string | undefined): boolean =>
  variable('NODE_OPTIONS')?.includes(preload) === true

export type AppFault = AppError | AppLeak | AppClock
export const isAppFault = (fault: Fault): fault is AppFault =>
  fault.kind === 'app-500' || fault.kind === 'app-leak' || fault.kind === 'app-clock'

/** What the preload reads: all that is in force in one region. */
export type AppControl = {
  /** Milliseconds since 1970. */
  until: number
  errorShare?: number
  leakMbPerSecond?: number
  clockOffsetMs?: number
}

/** Pure. Undefined: leave the app alone. */
export function controlOf(faults: readonly { fault: AppFault; until: number }[]): AppControl | undefined {
  if (faults.length === 0) return undefined
  const control: AppControl = { until: Math.max(...faults.map(({ until }) => until)) }
  for (const { fault } of faults) {
    if (fault.kind === 'app-500') control.errorShare = Math.max(control.errorShare ?? 0, fault.share)
    if (fault.kind === 'app-leak')
      control.leakMbPerSecond = (control.leakMbPerSecond ?? 0) + fault.mbPerSecond
    if (fault.kind === 'app-clock') control.clockOffsetMs = (control.clockOffsetMs ?? 0) + fault.offsetMs
  }
  return control
}

export async function writeControl(regionFolder: string, control: AppControl | undefined): Promise<void> {
  const file = join(regionFolder, controlFile)
  if (control) await writeAside(file, JSON.stringify(control), 0o644)
  else rmSync(file, { force: true })
}
