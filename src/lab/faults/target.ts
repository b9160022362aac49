import type { ProcessId } from '../../lib/proc.ts'
import type { Link } from '../wan/index.ts'

/** A process of the world as faults need to know it; `name` as the plan has it. */
export type WorldProcess = ProcessId & { region: string; name: string; main: boolean; program: string }

/**
 * All that a fault can lay target on in a world. Everything here is about this machine; what the world cannot do
 * rejects with the reason and the remedy.
 */
export type FaultTarget = {
  /** The world's folder: records of faults are kept there. */
  folder: string
  regions: readonly { name: string; full: boolean; votes: boolean }[]
  /** Everything of these regions that lives now. */
  processes: (regions: readonly string[]) => WorldProcess[]
  regionFolder: (region: string) => string
  /** Kills all of it until nothing is left. */
  killRegion: (region: string) => Promise<void>
  /** Starts the region's agent if none works; resolves when it has been started, not when it serves. */
  startRegion: (region: string) => Promise<void>
  restartProcess: (region: string, process: string) => Promise<void>
  restartRegion: (region: string) => Promise<void>
  /** PostgreSQL's own first process, if it lives. */
  postmaster: (region: string) => ProcessId | undefined
  /** Replay is paused and kept so until what this resolves to is called, which leaves it paused. */
  holdReplay: (region: string) => Promise<() => Promise<void>>
  resumeReplay: (region: string) => Promise<void>
  /** Undefined where the network cannot be changed. */
  links: Links | undefined
}

export type Links = {
  /** Every link there is, as it is now. */
  now: () => Promise<Link[]>
  /** Resolves when it is in force. */
  set: (links: readonly Link[]) => Promise<void>
}
