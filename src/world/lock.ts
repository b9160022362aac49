import { withLock } from '../lib/lock.ts'
import type { Note } from '../lib/note.ts'

/** Beside the world's folder and not in it, so that it can be held while that is removed. */
export const lockFileOf = (folder: string) => `${folder}.lock`

/**
 * One command at a time starts or stops parts of a world; the others wait and say for whom. Undefined when `signal`
 * ended the waiting.
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
  const onWait = (other: string) => note(`waiting for ${other}, which is at work on this world`)
  try {
    return await withLock(lockFileOf(folder), holder, onWait, begin, signal)
  } catch (error) {
    if (signal?.aborted && !begun) return undefined
    throw error
  }
}
