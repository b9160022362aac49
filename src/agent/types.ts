import type { RegionContext } from '../engines/context.ts'
import type { Logger } from '../lib/log.ts'
import type { StateStore } from './coordination/store.ts'
import type { WorldRecord } from './layout.ts'
import type { Launcher } from './supervision/launch.ts'

/** The parts of an agent that its components share. */
export type AgentBase = {
  readonly context: RegionContext
  readonly record: WorldRecord
  readonly store: StateStore
  readonly launcher: Launcher
  readonly log: Logger
  /** The agent is stopping: components must not start anything new. */
  readonly stopping: boolean
}
