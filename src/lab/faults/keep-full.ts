import { fillDisk, freeDisk } from './disk.ts'
import { type FaultRecord, inForce } from './record.ts'
import type { FaultTarget } from './target.ts'

const refillMs = 50

/** Ends by itself when another has healed it: `nearside down`, or a guard that found it overdue. */
export function keepFull(target: FaultTarget, id: string, region: string): () => void {
  const fill = () => fillDisk(target.regionFolder(region))
  const stop = () => {
    clearInterval(timer)
    // What was filled after the other had freed it.
    freeUnlessHeld(
      target,
      region,
      inForce(target.folder).filter((other) => other.id !== id),
    )
  }
  fill()
  const timer = setInterval(() => {
    try {
      if (inForce(target.folder).some((record) => record.id === id)) fill()
      else stop()
    } catch {
      // Unmounted meanwhile: the lab goes down.
    }
  }, refillMs)
  return stop
}

export function freeUnlessHeld(target: FaultTarget, region: string, rest: readonly FaultRecord[]): void {
  if (!rest.some(({ fault }) => fault.kind === 'disk-full' && fault.region === region))
    freeDisk(target.regionFolder(region))
}
