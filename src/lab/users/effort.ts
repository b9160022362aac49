import { monitorEventLoopDelay } from 'node:perf_hooks'
import { quantile } from './quantiles.ts'

/** What the generator itself took, and how exactly it kept its own times. */
export type Effort = {
  /** Share of one core, by this process. */
  cpuShare: number
  /** How late the event loop came back from its timers. */
  loopDelayMs: { p50: number; p99: number; max: number }
  /** How much later than due requests were sent. It is part of every latency in the report. */
  lateMs: { p50: number; p99: number; max: number }
  /** Most requests under way at once. */
  underWayMax: number
  peakMemoryBytes: number
  /** Why the figures say more of the generator than of the world; undefined: they do not. */
  limit: string | undefined
}

/** Sent later than this at the 99th percentile, or busier than this: the generator was the limit. */
const lateLimitMs = 10
const busyShare = 0.9

/** Watches this process from now on. */
export function watchEffort() {
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  const cpu = process.cpuUsage()
  const begunMs = performance.now()
  const late: number[] = []
  let underWayMax = 0
  let ownLimit = 0
  return {
    sent(lateMs: number, underWay: number) {
      late.push(lateMs)
      underWayMax = Math.max(underWayMax, underWay)
    },
    /** A request failed because this machine had no more sockets, ports or memory. */
    hitOwnLimit() {
      ownLimit += 1
    },
    end(): Effort {
      loop.disable()
      const used = process.cpuUsage(cpu)
      const cpuShare = (used.user + used.system) / 1000 / Math.max(1, performance.now() - begunMs)
      const sorted = Float64Array.from(late).sort()
      const lateMs = { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 }
      // The monitor counts its own resolution as delay.
      const delay = (ns: number) => Math.max(0, ns / 1e6 - 5)
      return {
        cpuShare,
        loopDelayMs: {
          p50: delay(loop.percentile(50)),
          p99: delay(loop.percentile(99)),
          max: delay(loop.max),
        },
        lateMs,
        underWayMax,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        limit:
          ownLimit > 0
            ? `${ownLimit} requests could not be sent: this machine has no more ports, sockets or memory for them`
            : cpuShare > busyShare
              ? `it used ${Math.round(cpuShare * 100)} % of one core`
              : lateMs.p99 > lateLimitMs
                ? `one request in a hundred was sent ${Math.round(lateMs.p99)} ms late or more, though it used only ${Math.round(cpuShare * 100)} % of a core: this machine was too busy with other things, such as the world itself`
                : undefined,
      }
    },
  }
}
