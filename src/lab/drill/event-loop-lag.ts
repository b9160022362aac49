import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 20
/** Above these, a drill's times reflect the machine rather than the world: lag at p99, and maximum lag. */
const lateMs = 250
const heldUpMs = 2000

/** Measures this process's event-loop lag from now on; `end` returns a note if the lag matters. */
export function watchEventLoopLag(): { end: () => string | undefined } {
  const loop = monitorEventLoopDelay({ resolution: resolutionMs })
  loop.enable()
  return {
    end() {
      loop.disable()
      return eventLoopLagNote(loop.percentile(99) / 1e6, loop.max / 1e6)
    },
  }
}

/** Pure. */
export function eventLoopLagNote(p99Ms: number, maxMs: number): string | undefined {
  if (p99Ms < lateMs && maxMs < heldUpMs) return undefined
  return `this machine was overloaded: event-loop lag of the drill was ${Math.round(p99Ms)} ms at p99 and ${(maxMs / 1000).toFixed(1)} s at most, which delayed faults and users; verdicts are valid, times are not representative`
}
