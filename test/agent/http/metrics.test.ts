import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Agent } from '../../../src/agent/agent.ts'
import { metrics } from '../../../src/agent/http/metrics.ts'
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
  assert.match(
    await text(agentOf('us-east', undefined, fresh)),
    /^nearside_durability_in_force\{durability="region"\} 1$/m,
  )
  const old = { snapshot, atMs: performance.now() - 10_000 }
  const said = await text(agentOf('us-east', undefined, old))
  assert.match(said, /^nearside_durability_in_force\{durability="unknown"\} 1$/m)
  assert.doesNotMatch(said, /durability="region"/)
})
