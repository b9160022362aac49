import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import { etcdQuotaBytes } from '../../engines/etcd/render.ts'
import type { TrafficSample } from '../../engines/haproxy/traffic.ts'

import { durabilities } from '../../failover/durability.ts'

import { freshMs } from '../../failover/fresh.ts'

import type { Agent } from '../agent.ts'
import type { TrafficMonitor } from '../traffic/traffic.ts'
import { cacheMetrics } from './cache-metrics.ts'
import { durabilityOf, lagOf } from './status.ts'

/** In seconds; close together around 100 ms, the usual objective. */
const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10]

type Metrics = { observe: (sample: TrafficSample) => void; text: () => Promise<string> }

/**
 * Serves `/metrics`. Counters are read from the engines at scrape time. Stable names are replication_lag_seconds,
 * traffic_routing_requests_total, global_load_balancer_requests_total, latency_by_region_seconds and
 * regional_deployments_total. An agent exports what it can measure itself: the traffic that its own region received,
 * and the lag of every region from the shared reports.
 */
export function metrics(agent: Agent, traffic: () => TrafficMonitor | undefined): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const region = agent.context.region.name

  const latency = new Histogram({
    name: 'latency_by_region_seconds',
    help: 'Time to first byte of the response, by the region that received the request. From a sampled log, weighted.',
    labelNames: ['region'] as const,
    buckets: latencyBuckets,
    registers,
  })
  fromEngines(agent, traffic, registers)
  fromPurges(agent, registers)
  fromShared(agent, registers)
  cacheMetrics(agent.cache, registers)
  new Gauge({
    name: 'nearside_process_ready',
    help: 'Whether the process of this region is ready.',
    labelNames: ['process'] as const,
    registers,
    collect() {
      this.reset()
      for (const one of agent.supervisor.status())
        this.set({ process: one.name }, Number(one.state === 'ready'))
    },
  })
  new Counter({
    name: 'nearside_process_restarts_total',
    help: 'Restarts of the process of this region since this agent started.',
    labelNames: ['process'] as const,
    registers,
    collect() {
      this.reset()
      for (const one of agent.supervisor.status()) this.inc({ process: one.name }, one.restarts)
    },
  })

  return {
    observe(sample) {
      if (sample.firstByteMs === undefined) return
      for (let count = 0; count < sample.weight; count += 1)
        latency.observe({ region }, sample.firstByteMs / 1000)
    },
    text: () => registry.metrics(),
  }
}

function fromEngines(agent: Agent, traffic: () => TrafficMonitor | undefined, registers: Registry[]): void {
  const { name } = agent.context.region
  new Counter({
    name: 'traffic_routing_requests_total',
    help: 'Requests by the region that received them.',
    labelNames: ['region'] as const,
    registers,
    collect() {
      this.reset()
      const watch = traffic()
      if (watch) this.inc({ region: name }, watch.totals.received)
    },
  })
  new Counter({
    name: 'global_load_balancer_requests_total',
    help: 'Requests by the region that served them and the reason: local, spill, edge, write, hold, cache.',
    labelNames: ['region', 'why'] as const,
    registers,
    collect() {
      this.reset()
      for (const one of traffic()?.totals.served ?? [])
        this.inc({ region: one.region, why: one.why }, one.requests)
    },
  })
  new Gauge({
    name: 'nearside_writes_held',
    help: 'Writes held at this region’s edge because there is no primary.',
    registers,
    collect() {
      this.set(traffic()?.holding ?? 0)
    },
  })
  const connections = () => Object.entries(traffic()?.connections ?? {})
  new Gauge({
    name: 'nearside_edge_connections',
    help: 'Connections of this region’s edge, by what they are for: users, regions, health, the database endpoints, and hops inside HAProxy.',
    labelNames: ['for'] as const,
    registers,
    collect() {
      this.reset()
      for (const [name, one] of connections())
        if (typeof one === 'object') this.set({ for: name }, one.current)
    },
  })
  new Gauge({
    name: 'nearside_edge_connections_limit',
    help: 'The most connections of this kind at a time; further ones wait.',
    labelNames: ['for'] as const,
    registers,
    collect() {
      this.reset()
      for (const [name, one] of connections()) if (typeof one === 'object') this.set({ for: name }, one.limit)
    },
  })
  new Gauge({
    name: 'nearside_edge_users_waiting',
    help: 'Users’ connections that wait because the edge has reached its limit.',
    registers,
    collect() {
      this.set(traffic()?.connections?.usersWaiting ?? 0)
    },
  })
  new Counter({
    name: 'regional_deployments_total',
    help: 'App releases started in this region since this agent started.',
    labelNames: ['region'] as const,
    registers,
    collect() {
      this.reset()
      this.inc({ region: name }, agent.deployments.count)
    },
  })
}

function fromPurges({ context, purges }: Agent, registers: Registry[]): void {
  if (!purges) return
  const totals = {
    applied: 'Purges that this region’s caches have applied since this agent started.',
    failed: 'Failed attempts to purge this region’s caches since this agent started.',
  } as const
  for (const kind of ['applied', 'failed'] as const)
    new Counter({
      name: `nearside_purges_${kind}_total`,
      help: totals[kind],
      labelNames: ['region'] as const,
      registers,
      collect() {
        this.reset()
        this.inc({ region: context.region.name }, purges.totals[kind])
      },
    })
}

/** The shared state; undefined if it is too old to show the present. */
function freshSnapshot({ coordination: { snapshot, atMs } }: Agent) {
  return performance.now() - atMs <= freshMs ? snapshot : undefined
}

function fromShared(agent: Agent, registers: Registry[]): void {
  const regions = agent.context.regions.map((region) => region.name)
  new Gauge({
    name: 'replication_lag_seconds',
    help: 'Replication lag of a region’s replica, measured with the primary’s heartbeat; 0 for the primary.',
    labelNames: ['region'] as const,
    registers,
    collect() {
      this.reset()
      if (!freshSnapshot(agent)) return
      for (const [region, { lagMs }] of Object.entries(lagOf(agent)))
        if (lagMs !== undefined) this.set({ region }, lagMs / 1000)
    },
  })
  new Gauge({
    name: 'nearside_region_healthy',
    help: 'Whether the agents agree that the region is healthy; absent while etcd cannot be read.',
    labelNames: ['region'] as const,
    registers,
    collect() {
      this.reset()
      const snapshot = freshSnapshot(agent)
      if (!snapshot) return
      // A region without an entry has always been healthy.
      for (const region of regions)
        this.set({ region }, Number((snapshot.health[region]?.state ?? 'healthy') === 'healthy'))
    },
  })
  const caching = agent.context.regions.filter((region) => region.serves).map((region) => region.name)
  new Gauge({
    name: 'nearside_purges_pending',
    help: 'Purges that the region’s caches have not applied yet; absent while its agent does not report.',
    labelNames: ['region'] as const,
    registers,
    collect() {
      this.reset()
      const snapshot = freshSnapshot(agent)
      const last = snapshot?.purgeHead?.number ?? 0
      for (const region of caching) {
        const applied = snapshot?.reports[region]?.purges?.applied
        if (applied !== undefined) this.set({ region }, Math.max(0, last - applied))
      }
    },
  })
  new Gauge({
    name: 'nearside_durability_in_force',
    help: 'Whether this is the durability in force: region, at risk, stopped, local, or unknown (also while etcd cannot be read).',
    labelNames: ['durability'] as const,
    registers,
    collect() {
      const inForce = durabilityOf(agent.context, freshSnapshot(agent))
      for (const durability of durabilities) this.set({ durability }, Number(durability === inForce))
    },
  })
  new Gauge({
    name: 'nearside_etcd_reachable',
    help: 'Whether this agent can read and write etcd.',
    registers,
    collect() {
      this.set(Number(agent.coordination.failure?.of !== 'etcd'))
    },
  })
  if (agent.context.region.votes) fromEtcdMember(agent, registers)
}

function fromEtcdMember(agent: Agent, registers: Registry[]): void {
  new Gauge({
    name: 'nearside_etcd_database_bytes',
    help: 'Database size of this region’s etcd member.',
    registers,
    collect() {
      this.reset()
      if (agent.etcdWatch.member) this.set(agent.etcdWatch.member.dbBytes)
    },
  })
  new Gauge({
    name: 'nearside_etcd_quota_bytes',
    help: 'Database size above which etcd refuses all writes.',
    registers,
    collect() {
      this.reset()
      if (agent.etcdWatch.member) this.set(etcdQuotaBytes)
    },
  })
  new Gauge({
    name: 'nearside_etcd_alarm',
    help: 'Whether etcd has raised this alarm: nospace, corrupt.',
    labelNames: ['alarm'] as const,
    registers,
    collect() {
      this.reset()
      for (const alarm of ['NOSPACE', 'CORRUPT'] as const)
        if (agent.etcdWatch.member)
          this.set({ alarm: alarm.toLowerCase() }, Number(agent.etcdWatch.member.alarms.includes(alarm)))
    },
  })
}
