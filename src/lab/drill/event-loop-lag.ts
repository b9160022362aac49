import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 20
/** From here on a drill's times say more of the machine than of the world: often so late, or once. */
const lateMs = 250
const heldUpMs = 2000

/** Watches how late this process comes to what it has to do, from now on; `end` says so if it matters. */
export function watchEventLoopLag(): { end: () => string | undefined } {
  const loop = monitorEventLoopDelay({ resolution: resolutionMs })
  loop.enable()
  return {
    end() {
      loop.disable()
      return latenessNote(loop.percentile(99) / 1e6, loop.max / 1e6)
    },
  }
}

/** Pure. */
export function latenessNote(p99Ms: number, maxMs: number): string | undefined {
  if (p99Ms < lateMs && maxMs < heldUpMs) return undefined
  return `this machine had too little time for the drill itself, which was ${Math.round(p99Ms)} ms late in one of a hundred cases and ${(maxMs / 1000).toFixed(1)} s at worst: faults and users came late, too; verdicts hold, times are those of a busy machine`
}
