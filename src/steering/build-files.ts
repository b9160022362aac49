import type { SteeringRegion } from './table.ts'

/** The child process reads it as JSON from its standard input. */
export type BuildJob = {
  /** Absolute paths of the GeoIP databases. */
  places: string[]
  /** Of the databases, when their content was hashed: a file that was replaced since belongs to another table. */
  fingerprint: string
  regions: SteeringRegion[]
  maxPrefixes: number
  /** Path to write the table to. */
  file: string
  /** Path to write the progress to, for the parent and for other processes that wait for the table. */
  progressFile: string
}

/** The child with this process id writes the table here, then renames it to `file`. */
export function temporaryFile(file: string, pid: number | undefined): string {
  return `${file}.${pid}`
}
