import type { EnginePart } from '../../plan.ts'
import { roundTripMs } from '../../topology/round-trips.ts'
import type { RegionContext } from '../context.ts'

/** etcd's default. A member whose database would exceed it makes the whole cluster refuse writes. */
export const etcdQuotaBytes = 2 * 1024 ** 3

/**
 * etcd, the world's state store: one member in each voting region.
 *
 * Timeouts follow etcd's tuning guide: the heartbeat interval is about the longest round trip between members and at
 * least the default of 100 ms; the election timeout is ten times that.
 */
export function renderEtcd(context: RegionContext): EnginePart {
  const { region, regions, topology } = context
  if (!region.votes) return { folders: [], files: [], processes: [] }
  const { etcdClient, etcdPeer } = topology.ports
  const voting = regions.filter((other) => other.votes)
  const heartbeatMs = Math.max(100, Math.ceil(longestRoundTripMs(context)))
  const client = `http://${region.address}:${etcdClient}`
  const peer = `http://${region.address}:${etcdPeer}`
  const config = {
    name: region.name,
    'data-dir': `${context.folder}/data/etcd`,
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': voting.map((other) => `${other.name}=http://${other.address}:${etcdPeer}`).join(','),
    'initial-cluster-token': topology.name,
    'initial-cluster-state': 'new',
    'heartbeat-interval': heartbeatMs,
    'election-timeout': heartbeatMs * 10,
    // Passwords are 192 random bits, so the cost adds no security. At the default cost every login takes 70 ms of CPU:
    // when all agents log in at once after a start, that delays the members' heartbeats.
    'bcrypt-cost': 4,
    // Every agent writes a report of a few kB once a second, so history is what fills the database. With a retention
    // below one hour, etcd compacts once per retention period, so it keeps five to ten minutes of history.
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '5m',
    'quota-backend-bytes': etcdQuotaBytes,
    'log-level': 'warn',
    'enable-grpc-gateway': true,
  }
  return {
    folders: ['data/etcd'],
    files: [{ path: 'etc/etcd.yml', mode: 0o644, content: `${JSON.stringify(config, null, 2)}\n` }],
    processes: [
      {
        name: 'etcd',
        engine: 'etcd',
        command: ['/usr/bin/etcd', '--config-file', 'etc/etcd.yml'],
        env: {},
        run: 'engine',
        after: [],
        // Succeeds once there is a leader: a member alone is up but not ready. There is no time limit, because a
        // restart would not help and would take away its vote meanwhile.
        ready: { kind: 'http', port: etcdClient, path: '/health', expect: { from: 200, to: 200 } },
        readyTimeoutMs: 0,
        stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
      },
    ],
  }
}

/** Client endpoints of all members: the region's own first, then the nearest first. */
export function etcdEndpoints(context: Pick<RegionContext, 'region' | 'others' | 'topology'>): string[] {
  return [context.region, ...context.others]
    .filter((region) => region.votes)
    .map((region) => `http://${region.address}:${context.topology.ports.etcdClient}`)
}

/**
 * Real paths can be longer than the model's estimate, and packets are sometimes late. A heartbeat interval that is too
 * long only delays elections a little; one that is too short for the link causes needless elections.
 */
const margin = { factor: 1.2, extraMs: 10 }

function longestRoundTripMs({ regions, topology }: RegionContext): number {
  const { rttMs } = topology.network
  const voting = regions.filter((region) => region.votes)
  const all = voting.flatMap((a, i) => voting.slice(i + 1).map((b) => roundTripMs(a, b, rttMs)))
  return Math.max(0, ...all) * margin.factor + margin.extraMs
}
