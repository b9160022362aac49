import type { SteeringRegion } from './table.ts'

/** What the child process is told on its standard input, as JSON. */
export type BuildJob = {
  /** Absolute paths of the databases. */
  places: string[]
  regions: SteeringRegion[]
  maxPrefixes: number
  /** Where the table goes. */
  file: string
}

/** Where the child with this process id writes before it renames. */
export function asideFile(file: string, pid: number | undefined): string {
  return `${file}.${pid}`
}
