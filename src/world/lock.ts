import { lockHolder, withLock } from '../lib/lock.ts'
import type { Note } from '../lib/note.ts'

/** Next to the world's folder, not in it, so that a command can hold the lock while it removes the folder. */
export const lockFileOf = (folder: string) => `${folder}.lock`

/** What `locked` calls the stop that ends `nearside up`; see `isBeingStopped`. */
export const stopOfUp = 'up, which stops it'

/** Whether a command is stopping the world right now. */
export function isBeingStopped(folder: string): boolean {
  const holder = lockHolder(lockFileOf(folder)) ?? ''
  return [stopOfUp, 'down', 'lab down'].some((command) => holder.startsWith(`nearside ${command} (`))
}

/**
 * Runs one command at a time that starts or stops parts of a world; the others wait and show which one they wait for.
 * Returns undefined when `signal` aborted the waiting.
 */
export async function locked<T>(
  folder: string,
  command: string,
  note: Note,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  let begun = false
  const begin = () => {
    begun = true
    return work()
  }
  const holder = `nearside ${command} (process ${process.pid})`
  const onWait = (other: string) => note(`waiting for ${other} to finish with this world`)
  try {
    return await withLock(lockFileOf(folder), holder, onWait, begin, signal)
  } catch (error) {
    if (signal?.aborted && !begun) return undefined
    throw error
  }
}
