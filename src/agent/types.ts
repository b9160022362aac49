import type { RegionContext } from '../engines/context.ts'
import type { Logger } from '../lib/log.ts'
import type { StateStore } from './coordination/store.ts'
import type { WorldRecord } from './layout.ts'
import type { Launcher } from './supervision/launch.ts'

/** What the parts of an agent work with. */
export type AgentBase = {
  readonly context: RegionContext
  readonly record: WorldRecord
  readonly store: StateStore
  readonly launcher: Launcher
  readonly log: Logger
  /** It ends: nothing new is begun. */
  readonly stopping: boolean
}
