import { setTimeout as sleep } from 'node:timers/promises'

/** One connection to a database. */
export type ReplayControl = {
  isReplica: () => Promise<boolean>
  pause: () => Promise<unknown>
  end: () => Promise<unknown>
}

/** Patroni resumes replay in each of its cycles, every five seconds. */
const pauseAgainMs = 100

/**
 * Pauses replay repeatedly, and over a new connection if the last one is lost, because a restarted database replays.
 * Rejects if the first attempt fails. Ends once the database is the primary, and calls `onPrimary` if it already was at
 * the start. Otherwise it runs until the process exits.
 */
export async function keepPaused(
  connect: () => Promise<ReplayControl>,
  onPaused: () => void,
  onPrimary: () => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let told = false; !signal?.aborted; ) {
    let database: ReplayControl | undefined
    try {
      database = await connect()
      while (!signal?.aborted) {
        if (!(await database.isReplica())) return told ? undefined : onPrimary()
        await database.pause()
        if (!told) onPaused()
        told = true
        await sleep(pauseAgainMs)
      }
    } catch (error) {
      if (!told) throw error
      await sleep(pauseAgainMs)
    } finally {
      // Not awaited: a paused database never answers.
      void database?.end().catch(() => undefined)
    }
  }
}
