import { etcdQuotaBytes } from '../../engines/etcd/render.ts'
import { type Durability, durabilityInForce, recordedStandbys } from '../../failover/durability.ts'
import type { RegionHealth, Verdict, View } from '../../failover/types.ts'
import type { MemberStatus } from '../../lib/etcd.ts'
import type { Agent } from '../agent.ts'
import type { Damage } from '../coordination/keys/kind.ts'
import type { PurgeState } from '../coordination/keys/purges.ts'
import type { Snapshot } from '../coordination/snapshot.ts'
import type { DatabaseState } from '../database/monitor.ts'
import type { ReleaseState } from '../release/state.ts'
import type { ProcessStatus } from '../supervision/supervised-process.ts'
import type { CacheState } from '../traffic/cache-monitor.ts'
import type { EdgeConnections } from '../traffic/connections.ts'
import type { SteeringState } from '../traffic/dns-steering.ts'
import type { TrafficMonitor } from '../traffic/traffic.ts'

/** Response of `GET /v1/status`: one agent's report on its region and its view of the world. */
export type RegionStatus = {
  region: string
  role: string
  address: string
  /** The agent's clock, for comparing the clocks of hosts. */
  at: number
  /** `stopping`: the agent has been asked to stop and no longer decides anything. */
  agent: { pid: number; version: string; uptimeSeconds: number; revision: string; stopping?: boolean }
  /** `error` is set while etcd cannot be read or written; `world` is then `ageMs` old. */
  etcd: EtcdState
  processes: ProcessStatus[]
  ready: boolean
  database?: DatabaseState
  /** Requests per second that users sent to this region's edge, over the last few seconds. */
  requestsPerSecond?: number
  /** Connections of this region's edge and their limits. */
  connections?: EdgeConnections
  /** State of the region's DNS steering; absent in a region without DNS. */
  steering?: SteeringState
  /** Purges of the region's caches; absent in a region without them. */
  purges?: PurgeState
  /** State of the region's CDN cache; absent in a region without one. */
  cache?: CacheState
  seen: Record<string, View>
  world?: {
    ageMs: number
    primary?: string
    /** How long this agent has seen the current leader key. */
    primaryForMs?: number
    durability: Durability
    health: Record<string, RegionHealth>
    /** Regions whose agents publish reports. */
    agents: string[]
    /** `streaming` is absent while the primary does not report its standbys. */
    lag: Record<string, { lagMs?: number; lagBytes?: number; streaming?: boolean }>
    release?: ReleaseState
    /** Keys of the state store whose value was skipped; absent when there is none. */
    damaged?: Damage[]
  }
  verdicts: Verdict[]
  /** Why the agent's coordination cycles fail although etcd answers: a fault of the agent itself. */
  cycleError?: string
}

type EtcdState = {
  error?: string
  /** Database size and quota of this region's own member, if it has one that answers. */
  dbBytes?: number
  quotaBytes?: number
  /** `NOSPACE`: a member has reached its quota, and etcd refuses every write in all regions. */
  alarms?: MemberStatus['alarms']
}

export function statusOf(
  agent: Agent,
  traffic: Pick<TrafficMonitor, 'requestsPerSecond' | 'connections'> | undefined,
): RegionStatus {
  const { requestsPerSecond, connections } = traffic ?? {}
  const { context, coordination } = agent
  const processes = agent.supervisor.status()
  return {
    region: context.region.name,
    role: context.region.role,
    address: context.region.address,
    at: Date.now(),
    agent: {
      pid: process.pid,
      version: agent.version,
      uptimeSeconds: (performance.now() - agent.startedAtMs) / 1000,
      revision: agent.record.revision,
      ...(agent.stopping ? { stopping: true } : {}),
    },
    etcd: etcdOf(agent),
    processes,
    ready: processes.every((one) => one.state === 'ready'),
    ...(agent.databaseState ? { database: agent.databaseState } : {}),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(connections === undefined ? {} : { connections }),
    ...(agent.steering ? { steering: agent.steering.state } : {}),
    ...(agent.purges ? { purges: agent.purges.state } : {}),
    ...(agent.cache ? { cache: agent.cache.state } : {}),
    seen: agent.prober.view(),
    ...(coordination.snapshot ? { world: worldOf(agent) } : {}),
    verdicts: agent.decisions.verdicts,
    ...(coordination.failure?.of === 'agent' ? { cycleError: coordination.failure.why } : {}),
  }
}

function etcdOf({ coordination: { failure }, etcdWatch: { member } }: Agent): EtcdState {
  return {
    ...(failure?.of === 'etcd' ? { error: failure.why } : {}),
    ...(member === undefined
      ? {}
      : { dbBytes: member.dbBytes, quotaBytes: etcdQuotaBytes, alarms: member.alarms }),
  }
}

function worldOf(agent: Agent): RegionStatus['world'] {
  const { context, coordination, record } = agent
  const { snapshot, atMs } = coordination
  if (!snapshot) return undefined
  const primary = snapshot.leader?.region
  const damaged = [...snapshot.damaged, ...agent.damageWatch.found]
  return {
    ageMs: Math.round(performance.now() - atMs),
    ...(primary ? { primary, primaryForMs: Math.round(snapshot.leaderSinceMs) } : {}),
    durability: durabilityOf(context, snapshot),
    health: Object.fromEntries(
      context.regions.map((region) => [region.name, snapshot.health[region.name]?.state ?? 'healthy']),
    ),
    agents: Object.keys(snapshot.reports),
    lag: lagOf(agent),
    ...(snapshot.releases[record.run] ? { release: snapshot.releases[record.run] } : {}),
    ...(damaged.length > 0 ? { damaged } : {}),
  }
}

export function durabilityOf({ topology }: Agent['context'], snapshot: Snapshot | undefined): Durability {
  const primary = snapshot?.leader?.region
  const recorded = snapshot ? recordedStandbys(snapshot.sync, primary) : []
  return durabilityInForce({
    asked: topology.database.durability,
    standbys: primary === undefined ? undefined : snapshot?.reports[primary]?.database?.standbys,
    isRecorded: (region) => recorded.includes(region),
  })
}

/**
 * Per full region: measured by the primary while the replica streams, otherwise the age of the last replayed heartbeat.
 */
export function lagOf(agent: Agent): NonNullable<RegionStatus['world']>['lag'] {
  const { context, coordination } = agent
  const { snapshot } = coordination
  const primary = snapshot?.leader?.region
  const standbys = primary === undefined ? undefined : snapshot?.reports[primary]?.database?.standbys
  return Object.fromEntries(
    context.regions
      .filter((region) => region.full)
      .map((region) => {
        if (region.name === primary) return [region.name, { lagMs: 0, lagBytes: 0, streaming: true }]
        const streaming = standbys?.find((standby) => standby.region === region.name)
        if (streaming)
          return [region.name, { lagMs: streaming.lagMs, lagBytes: streaming.lagBytes, streaming: true }]
        const age = snapshot?.reports[region.name]?.database?.heartbeatAgeMs
        return [
          region.name,
          { ...(age === undefined ? {} : { lagMs: age }), ...(standbys ? { streaming: false } : {}) },
        ]
      }),
  )
}
