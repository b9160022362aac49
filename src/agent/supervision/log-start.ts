import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where the current run of a process begins in its log, which is appended to over many runs. Without it, the end of a
 * log would show the errors of an earlier run. It outlives the process: the end of a log is needed after a crash.
 */
export const logStartFile = (regionFolder: string, name: string) =>
  join(regionFolder, 'run', `${name}.log-start`)

/** Offset in bytes; 0 when unknown, which is the whole log. */
export function logStart(regionFolder: string, name: string): number {
  try {
    const offset = Number(readFileSync(logStartFile(regionFolder, name), 'utf8'))
    return Number.isSafeInteger(offset) && offset > 0 ? offset : 0
  } catch {
    return 0
  }
}
