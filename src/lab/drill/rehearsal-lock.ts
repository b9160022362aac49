import { join } from 'node:path'
import type { Note } from '../../lib/note.ts'
import { locked, lockFileOf } from '../../world/lock.ts'

/**
 * One rehearsal at a time in a world; the next one waits and says for whom. Two at once would take each other's load
 * away (the ledger has one schema in a database, made anew by each) and find acknowledged writes lost, and each would
 * meet the other's faults. Its lock is not that of starting and stopping regions, which faults do meanwhile.
 */
export const rehearse = <T>(
  worldFolder: string,
  command: string,
  note: Note,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> => locked(placeOf(worldFolder), command, note, work, signal)

const placeOf = (worldFolder: string) => join(worldFolder, 'rehearsal')
export const rehearsalLock = (worldFolder: string) => lockFileOf(placeOf(worldFolder))
