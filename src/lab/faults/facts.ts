/** What is known of the world that a fault is meant for. */
export type ClusterFacts = {
  regions: readonly { name: string; full: boolean; serves: boolean; votes: boolean }[]
  /** Where the primary is now, if anybody knows. */
  primary?: string | undefined
  /** Names of a region's processes; undefined when its agent does not say. */
  processesOf?: (region: string) => readonly string[] | undefined
  /** Regions whose database has a disk of its own; undefined when nobody knows. */
  smallDisks?: readonly string[]
  /** Apps are started with what faults inside them need; undefined when nobody knows. */
  appFaults?: boolean
}

/** As typed: the words after the kind, and the values of its options. */
export type RawFaultArgs = {
  words: readonly string[]
  for?: string | undefined
  from?: string | undefined
  direction?: string | undefined
  delay?: string | undefined
  jitter?: string | undefined
  rate?: string | undefined
  loss?: string | undefined
  members?: string | undefined
  share?: string | undefined
  mbPerSecond?: string | undefined
  offset?: string | undefined
}
