import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Agent } from '../../../src/agent/agent.ts'
import { metrics } from '../../../src/agent/http/metrics.ts'
import type { TrafficMonitor } from '../../../src/agent/traffic/traffic.ts'
import type { MemberStatus } from '../../../src/lib/etcd.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import { topologyOf, withEdge } from '../../support/topologies.ts'

/** The parts of an agent that the metrics read. */
function agentOf(name: string, member?: Partial<MemberStatus>, coordination: object = {}): Agent {
  const regions = regionsOf(topologyOf(withEdge))
  const region = regions.find((one) => one.name === name)
  const context = { region, regions, topology: topologyOf(withEdge) }
  const parts = { coordination, etcdWatch: { member }, deployments: { count: 0 } }
  return { context, ...parts, supervisor: { status: () => [] } } as unknown as Agent
}
const text = (agent: Agent) => metrics(agent, () => undefined).text()

test('a voting region exports its etcd database size, the quota and the alarms', async () => {
  const full = await text(agentOf('us-east', { dbBytes: 5000, alarms: ['NOSPACE'] }))
  assert.match(full, /^nearside_etcd_database_bytes 5000$/m)
  assert.match(full, /^nearside_etcd_quota_bytes 2147483648$/m)
  assert.match(full, /^nearside_etcd_alarm\{alarm="nospace"\} 1$/m)
  assert.match(full, /^nearside_etcd_alarm\{alarm="corrupt"\} 0$/m)
  assert.doesNotMatch(await text(agentOf('sa-east')), /nearside_etcd_(database|quota|alarm)/)
})

test('durability in force needs a fresh snapshot, and is unknown with an old one', async () => {
  const snapshot = {
    leader: { region: 'us-east' },
    sync: { leader: 'us-east', standbys: ['us-west'] },
    reports: { 'us-east': { database: { standbys: [{ region: 'us-west', synchronous: true }] } } },
    health: {},
  }
  const fresh = { snapshot, atMs: performance.now() }
  const now = await text(agentOf('us-east', undefined, fresh))
  assert.match(now, /^nearside_durability_in_force\{durability="region"\} 1$/m)
  assert.match(now, /^nearside_durability_in_force\{durability="at risk"\} 0$/m)
  const old = { snapshot, atMs: performance.now() - 10_000 }
  const said = await text(agentOf('us-east', undefined, old))
  assert.match(said, /^nearside_durability_in_force\{durability="unknown"\} 1$/m)
  // An alert compares the label that is asked for with 0.
  assert.match(said, /^nearside_durability_in_force\{durability="region"\} 0$/m)
})

test('nothing old or unknown is exported as healthy: health and lag are absent without a fresh snapshot', async () => {
  const snapshot = {
    leader: { region: 'us-east' },
    sync: { standbys: [] },
    reports: { 'us-east': { database: { role: 'primary' } } },
    health: { 'us-west': { state: 'unreachable' } },
  }
  const fresh = await text(agentOf('us-east', undefined, { snapshot, atMs: performance.now() }))
  assert.match(fresh, /^nearside_region_healthy\{region="us-east"\} 1$/m)
  assert.match(fresh, /^nearside_region_healthy\{region="us-west"\} 0$/m)
  for (const coordination of [{}, { snapshot, atMs: performance.now() - 10_000 }])
    assert.doesNotMatch(
      await text(agentOf('us-east', undefined, coordination)),
      /^(nearside_region_healthy|replication_lag_seconds)\{/m,
    )
})

test('purges are pending by region until its report has their number, and absent without a report', async () => {
  const reports = {
    'us-east': { purges: { applied: 5 } },
    'us-west': { purges: { applied: 3 } },
    'sa-east': {},
  }
  const snapshot = { sync: { standbys: [] }, health: {}, reports, purgeHead: { number: 5, id: 'x' } }
  const agent = agentOf('us-east', undefined, { snapshot, atMs: performance.now() })
  const said = await text({ ...agent, purges: { totals: { applied: 2, failed: 1 } } } as unknown as Agent)
  const pending = [...said.matchAll(/^nearside_purges_pending\{region="([a-z-]+)"\} (\d+)$/gm)]
  assert.deepEqual(
    pending.map(([, region, count]) => [region, count]),
    [
      ['us-east', '0'],
      ['us-west', '2'],
    ],
  )
  assert.match(said, /^nearside_purges_applied_total\{region="us-east"\} 2$/m)
  assert.match(said, /^nearside_purges_failed_total\{region="us-east"\} 1$/m)
})

test('connections of the edge are exported with their limits', async () => {
  const connections = { users: { current: 7, limit: 9 }, health: { current: 1, limit: 128 }, usersWaiting: 2 }
  const traffic = {
    totals: { received: 0, served: [] },
    holding: 0,
    connections,
  } as unknown as TrafficMonitor
  const shown = await metrics(agentOf('us-east'), () => traffic).text()
  for (const line of [
    'nearside_edge_connections{for="users"} 7',
    'nearside_edge_connections_limit{for="users"} 9',
    'nearside_edge_connections_limit{for="health"} 128',
    'nearside_edge_users_waiting 2',
  ])
    assert.ok(shown.includes(`\n${line}\n`), shown)
})
