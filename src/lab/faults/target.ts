import type { ProcessId } from '../../lib/proc.ts'
import type { Link } from '../wan/index.ts'

/** A process of the world, with the name that the plan gives it. */
export type WorldProcess = ProcessId & { region: string; name: string; main: boolean; program: string }

/** Processes of a region by name; all of them without `process`. */
export type ProcessChoice = { region: string; process?: string | RegExp }

/**
 * What faults can do to a world. All of it happens on this machine. Whatever the world cannot do rejects with the
 * reason and the remedy.
 */
export type FaultTarget = {
  /** The world's folder, which holds the records of faults. */
  folder: string
  regions: readonly { name: string; full: boolean; votes: boolean }[]
  /** All live processes of these regions. */
  processes: (regions: readonly string[]) => WorldProcess[]
  regionFolder: (region: string) => string
  /** Kills every process of the region and resolves when none is left. */
  killRegion: (region: string) => Promise<void>
  /** Starts the region's agent unless it works; resolves when the agent has been started, before it serves. */
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
  /** Resolves once the parameters are in force. */
  set: (links: readonly Link[]) => Promise<void>
}
