import { join } from 'node:path'
import type { Note } from '../lib/note.ts'
import { locked, lockFileOf } from './lock.ts'

/**
 * Allows one rehearsal at a time in a world; the next one waits and shows which one it waits for. Two at once would
 * drop each other's load (each recreates the one schema in the database), report acknowledged writes as lost, and be
 * affected by each other's faults. Not the world lock, which faults take to start and stop regions.
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
