import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultRecord, inForce } from './record.ts'
import type { FaultTarget } from './target.ts'

const cycleIntervalMs = 200

/** Ends by itself when another has healed it: `nearside down`, or a guard that found it overdue. */
export async function holdReplay(
  target: FaultTarget,
  id: string,
  region: string,
): Promise<() => Promise<void>> {
  const letGo = await target.holdReplay(region)
  let ended: Promise<void> | undefined
  const end = () => {
    clearInterval(timer)
    ended ??= letGo()
    return ended
  }
  const others = () => inForce(target.folder).filter((other) => other.id !== id)
  const timer = setInterval(() => {
    if (inForce(target.folder).some((record) => record.id === id)) return
    // What was paused after the other had resumed it; where the world goes down nobody answers.
    end()
      .then(() => resumeUnlessHeld(target, region, others()))
      .catch(() => undefined)
  }, cycleIntervalMs)
  return end
}

export async function resumeUnlessHeld(
  target: FaultTarget,
  region: string,
  rest: readonly FaultRecord[],
): Promise<void> {
  if (!rest.some(({ fault }) => fault.kind === 'replay-paused' && fault.region === region))
    await target.resumeReplay(region)
}

/** One connection to a database. */
export type ReplayControl = {
  isReplica: () => Promise<boolean>
  pause: () => Promise<unknown>
  end: () => Promise<unknown>
}

/** Patroni resumes replay whenever it looks, every five seconds. */
const pauseAgainMs = 100

/**
 * Pauses replay again and again, over a new connection where the last one was lost: a database that was restarted
 * replays. Rejects when the first try fails; ends when there is nothing to pause, because it is the primary (`onPrimary`
 * if it is that from the beginning). Else it goes on until the process ends.
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
      // Not waited for: a database that stands still says no goodbye.
      void database?.end().catch(() => undefined)
    }
  }
}
