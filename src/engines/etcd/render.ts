import type { EnginePart } from '../../plan.ts'
import { roundTripMs } from '../../topology/round-trips.ts'
import type { RegionContext } from '../context.ts'

/** A member whose file would grow beyond this refuses every put of the cluster. etcd's own default. */
export const etcdQuotaBytes = 2 * 1024 ** 3

/**
 * etcd: the world's small shared memory, one member in each voting region.
 *
 * Heartbeat and election timeout follow etcd's tuning guide: heartbeat about the longest round trip between members
 * (never under 100 ms, the default), election timeout ten times that.
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
    // A stolen hash of 192 random bits tells nothing at any cost, and at the default one every login of an agent takes
    // a core for 70 ms: when all log in at once after a start, that starves the members' heartbeats.
    'bcrypt-cost': 4,
    // Every agent puts its report once a second, some kilobytes each: history is what fills the file. Below an hour
    // etcd compacts as often as it retains, so what is kept is between five and ten minutes of it.
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
        // A member alone is up but not ready: this answers once there is a leader. However long that takes, starting
        // it again would not help, and would take its vote away meanwhile.
        ready: { kind: 'http', port: etcdClient, path: '/health', expect: [200] },
        readyTimeoutMs: 0,
        stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
      },
    ],
  }
}

/** Endpoints of the world's etcd, the region's own first, then nearest first. */
export function etcdEndpoints(context: Pick<RegionContext, 'region' | 'others' | 'topology'>): string[] {
  return [context.region, ...context.others]
    .filter((region) => region.votes)
    .map((region) => `http://${region.address}:${context.topology.ports.etcdClient}`)
}

/**
 * Paths that go round a continent take longer than the model knows, and packets arrive late at times. A heartbeat that
 * is too slow costs little (an election a bit later); one that is too fast for the line makes members call elections.
 */
const spread = { factor: 1.2, extraMs: 10 }

function longestRoundTripMs({ regions, topology }: RegionContext): number {
  const { rttMs } = topology.network
  const voting = regions.filter((region) => region.votes)
  const all = voting.flatMap((a, i) => voting.slice(i + 1).map((b) => roundTripMs(a, b, rttMs)))
  return Math.max(0, ...all) * spread.factor + spread.extraMs
}
