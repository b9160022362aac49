/** What an engine may use of the machine that runs it. */
export type Machine = {
  /** The hard limit of open files of a process. */
  openFiles: number
  memoryBytes: number
}

/** For plans that no process runs with. */
export const sampleMachine: Machine = { openFiles: 65_536, memoryBytes: 8 * 1024 ** 3 }
