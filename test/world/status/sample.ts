import type { DatabaseState } from '../../../src/agent/database/monitor.ts'
import { combine } from '../../../src/world/status/combine.ts'
import type { RegionReport, WorldStatus } from '../../../src/world/status/types.ts'

/** A healthy world of two full regions and a witness; tests change what they are about. */

const names = ['us-east', 'us-west', 'us-central'] as const

const agent = { pid: 100, version: '0.1.0', uptimeSeconds: 60, revision: 'r' }

export const primaryDatabase: DatabaseState = {
  role: 'primary',
  state: 'running',
  timeline: 3,
  standbys: [{ region: 'us-west', synchronous: true, lagMs: 2, lagBytes: 120 }],
}

export const shared = {
  ageMs: 200,
  primary: 'us-east',
  durability: 'region' as const,
  health: { 'us-east': 'healthy', 'us-west': 'healthy', 'us-central': 'healthy' } as const,
  agents: [...names],
  lag: {
    'us-east': { lagMs: 0, lagBytes: 0, streaming: true },
    'us-west': { lagMs: 2, lagBytes: 120, streaming: true },
  },
  release: { kind: 'ok' } as const,
}

const process = (name: string, engine: 'etcd' | 'haproxy' | 'postgres') => ({
  name,
  engine,
  state: 'ready' as const,
  pid: 200,
  uptimeSeconds: 50,
  restarts: 0,
})

export function sampleRegions(): RegionReport[] {
  const full = (region: string, i: number, database: DatabaseState): RegionReport => ({
    region,
    role: 'full',
    address: `127.77.${i}.1`,
    source: 'agent',
    agent,
    agentState: 'answers',
    etcd: {},
    edge: 'serving',
    database,
    requestsPerSecond: 4,
    world: shared,
    verdicts: [],
    processes: [process('etcd', 'etcd'), process('haproxy', 'haproxy'), process('postgres', 'postgres')],
  })
  return [
    full('us-east', 1, primaryDatabase),
    full('us-west', 2, { role: 'replica', state: 'streaming', timeline: 3 }),
    {
      region: 'us-central',
      role: 'witness',
      address: '127.77.3.1',
      source: 'agent',
      agent,
      agentState: 'answers',
      etcd: {},
      world: shared,
      verdicts: [],
      processes: [process('etcd', 'etcd')],
    },
  ]
}

export function statusOf(
  regions: readonly RegionReport[],
  durabilityAsked: WorldStatus['durabilityAsked'] = 'region',
): WorldStatus {
  return combine({ world: 'shop', domain: 'shop.example.com', durabilityAsked, at: 1_000_000, regions })
}

/** A region whose agent is gone; `processes` is the state from records and /proc. */
export function withoutAgent(report: RegionReport, processes: 'running' | 'gone' | 'none'): RegionReport {
  const { world, verdicts, etcd, requestsPerSecond, ...rest } = report
  return {
    ...rest,
    source: 'engines',
    agent: null,
    agentState: 'gone',
    ...(processes === 'running' ? {} : { edge: rest.edge && 'unreachable' }),
    ...(processes === 'running' || !rest.database
      ? {}
      : { database: { role: 'unknown', state: 'Patroni does not answer' } }),
    processes:
      processes === 'none' ? [] : rest.processes.map(({ name }) => ({ name, state: processes, pid: 200 })),
  }
}
