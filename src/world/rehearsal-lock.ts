import { join } from 'node:path'
import type { Note } from '../lib/note.ts'
import { locked, lockFileOf } from './lock.ts'

/**
 * One rehearsal at a time in a world; the next one waits and says for whom. Two at once would remove each other's load
 * (each recreates the ledger's schema, and a database has only one), find acknowledged writes lost, and suffer from each
 * other's faults. The lock is not the world lock, because faults start and stop regions meanwhile.
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
