import { monitorEventLoopDelay } from 'node:perf_hooks'
import { quantile } from './quantiles.ts'

/** The load generator's own resource use and timing accuracy. */
export type Effort = {
  /** Share of one core used by this process. */
  cpuShare: number
  /** Event-loop lag. */
  loopDelayMs: { p50: number; p99: number; max: number }
  /** Delay between the due time and the sending of requests. Part of every latency in the report. */
  lateMs: { p50: number; p99: number; max: number }
  /** Most requests in flight. */
  inFlightMax: number
  peakMemoryBytes: number
  /** Why the generator limited the measurement; undefined if it did not. */
  limit: string | undefined
}

/** Beyond this send delay at p99, or this CPU use, the generator was the limit. */
const lateLimitMs = 10
const busyShare = 0.9

/** Measures this process from now on. */
export function watchEffort() {
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  const cpu = process.cpuUsage()
  const begunMs = performance.now()
  const late: number[] = []
  let inFlightMax = 0
  let ownLimit = 0
  return {
    sent(lateMs: number, underWay: number) {
      late.push(lateMs)
      inFlightMax = Math.max(inFlightMax, underWay)
    },
    /** A request failed because this machine ran out of sockets, ports or memory. */
    hitOwnLimit() {
      ownLimit += 1
    },
    end(): Effort {
      loop.disable()
      const used = process.cpuUsage(cpu)
      const cpuShare = (used.user + used.system) / 1000 / Math.max(1, performance.now() - begunMs)
      const sorted = Float64Array.from(late).sort()
      const lateMs = { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 }
      // The monitor includes its own resolution in the delay.
      const delay = (ns: number) => Math.max(0, ns / 1e6 - 5)
      return {
        cpuShare,
        loopDelayMs: {
          p50: delay(loop.percentile(50)),
          p99: delay(loop.percentile(99)),
          max: delay(loop.max),
        },
        lateMs,
        inFlightMax,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        limit:
          ownLimit > 0
            ? `${ownLimit} requests could not be sent because this machine ran out of ports, sockets or memory`
            : cpuShare > busyShare
              ? `it used ${Math.round(cpuShare * 100)} % of one core`
              : lateMs.p99 > lateLimitMs
                ? `1 % of requests were sent at least ${Math.round(lateMs.p99)} ms late at only ${Math.round(cpuShare * 100)} % of a core, because this machine was busy with other work, such as the world itself`
                : undefined,
      }
    },
  }
}
