import { createSocket } from 'node:dgram'
import type { RegionContext } from '../../engines/context.ts'
import { type HaproxyControl, haproxyIn } from '../../engines/haproxy/control.ts'
import { proxies } from '../../engines/haproxy/layout.ts'
import type { StatRow } from '../../engines/haproxy/parse.ts'
import { parseTrafficLine, type TrafficSample, type Why } from '../../engines/haproxy/traffic.ts'
import { waitingAt } from '../../lib/listeners.ts'
import { every, Loop } from '../../lib/loop.ts'
import { connectionsOf, type EdgeConnections } from './connections.ts'

const everyMs = 2000

/**
 * Totals since this agent started. HAProxy's own counters restart at zero with every worker. After a reload, those of
 * the old worker are no longer read, so requests that it still serves are not counted.
 */
type TrafficTotals = {
  /** Requests that users sent to this region's edge. */
  received: number
  /** Requests received here, by serving region and reason. */
  served: { region: string; why: Why; requests: number }[]
}

/**
 * Measures the traffic of this region's edge from HAProxy's own counters and its sampled log. This costs the data path
 * nothing, and users do not notice when it stops.
 */
export class TrafficMonitor {
  readonly totals: TrafficTotals = { received: 0, served: [] }
  /** Writes that are being held because there is no primary. */
  holding = 0
  /** Between the last two readings; undefined until there are two, and while HAProxy does not answer. */
  requestsPerSecond: number | undefined
  /** Connections of the edge and their limits; undefined while HAProxy does not answer. */
  connections: EdgeConnections | undefined
  readonly #context: RegionContext
  readonly #haproxy: HaproxyControl
  readonly #onSample: (sample: TrafficSample) => void
  #last: { worker: number; received: number; served: Map<string, number>; atMs: number } | undefined

  constructor(context: RegionContext, onSample: (sample: TrafficSample) => void) {
    this.#context = context
    this.#onSample = onSample
    this.#haproxy = haproxyIn(context.folder, 1000)
  }

  async start(): Promise<void> {
    const { region, regions, topology } = this.#context
    const known = new Set(regions.map((one) => one.name))
    const socket = createSocket('udp4')
    socket.on('message', (message) => {
      const sample = parseTrafficLine(message.toString('latin1'), region.full)
      // Any host that reaches this port can send datagrams, so invalid ones are dropped.
      if (!sample || sample.edge !== region.name) return
      if (sample.served === undefined || known.has(sample.served)) this.#onSample(sample)
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(topology.ports.agent, region.address, () => {
        socket.off('error', reject)
        socket.on('error', () => undefined)
        resolve()
      })
    })
    new Loop({ round: () => this.read(), restMs: every(everyMs), onError: () => undefined }).start(everyMs)
  }

  /** Reads the counters once. Never throws: while HAProxy is down there is nothing to count. */
  async read(): Promise<void> {
    try {
      const { region } = this.#context
      const [worker, stats, served, holding] = await Promise.all([
        this.#haproxy.workerPid(),
        this.#haproxy.stats(),
        this.#haproxy.served({ region: region.name, full: region.full }),
        this.#haproxy.holding(),
      ])
      const requests = (kind: StatRow['kind'], proxy: string) =>
        stats.find((row) => row.kind === kind && row.proxy === proxy)?.requests ?? 0
      this.holding = holding
      this.connections = connectionsOf(stats, () =>
        waitingAt(region.address, this.#context.topology.ports.http),
      )
      this.#add(
        worker,
        // Without the health checks that HAProxy answers itself.
        requests('frontend', proxies.users) - requests('backend', proxies.own),
        new Map(served.map((one) => [`${one.region} ${one.why}`, one.requests])),
      )
    } catch {
      this.requestsPerSecond = undefined
      this.connections = undefined
      this.holding = 0
    }
  }

  #add(worker: number, received: number, served: Map<string, number>): void {
    const now = performance.now()
    // A new worker's counters start at zero.
    const last = this.#last?.worker === worker ? this.#last : undefined
    const more = grown(received, last?.received ?? 0)
    this.totals.received += more
    for (const [key, count] of served) {
      const [region, why] = key.split(' ') as [string, Why]
      let total = this.totals.served.find((one) => one.region === region && one.why === why)
      if (!total) {
        total = { region, why, requests: 0 }
        this.totals.served.push(total)
      }
      total.requests += grown(count, last?.served.get(key) ?? 0)
    }
    if (this.#last) this.requestsPerSecond = (more * 1000) / Math.max(1, now - this.#last.atMs)
    this.#last = { worker, received, served, atMs: now }
  }
}

/** Increase of a counter. The difference of two counters can decrease by one for a moment. */
const grown = (now: number, before: number) => Math.max(0, now - before)
