import type { ProcessId } from '../../lib/proc.ts'
import type { WorldProcess } from '../../world/processes.ts'
import type { Link } from '../wan/index.ts'

/** Selects processes of a region by name; all of them without `process`. */
export type ProcessChoice = { region: string; process?: string | RegExp }

/**
 * The operations of faults on a world, all on this machine. An operation that the world does not support rejects with
 * reason and remedy.
 */
export type FaultTarget = {
  /** The world's folder, which contains the fault records. */
  folder: string
  regions: readonly { name: string; full: boolean; votes: boolean }[]
  /** All live processes of these regions. */
  processes: (regions: readonly string[]) => WorldProcess[]
  regionFolder: (region: string) => string
  /** Kills every process of the region. Resolves once none is left. */
  killRegion: (region: string) => Promise<void>
  /** Starts the region's agent unless it is running. Resolves once the agent has started, before it serves. */
  startRegion: (region: string) => Promise<void>
  restartProcess: (region: string, process: string) => Promise<void>
  restartRegion: (region: string) => Promise<void>
  /** PostgreSQL's first process, if it is alive. */
  postmaster: (region: string) => ProcessId | undefined
  /** Keeps replay paused until the returned function is called, which leaves replay paused. */
  holdReplay: (region: string) => Promise<() => Promise<void>>
  resumeReplay: (region: string) => Promise<void>
  /** Undefined where the network cannot be changed. */
  links: Links | undefined
}

export type Links = {
  /** Every link with its current parameters. */
  now: () => Promise<Link[]>
  /** Resolves once the parameters are in effect. */
  set: (links: readonly Link[]) => Promise<void>
}
