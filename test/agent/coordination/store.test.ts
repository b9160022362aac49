import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { StateStore } from '../../../src/agent/coordination/store.ts'
import { contextOf } from '../../../src/compile.ts'
import type { Action, Leader } from '../../../src/failover/types.ts'
import { validate } from '../../../src/topology/checks.ts'
import type { Topology, TopologyInput } from '../../../src/topology/schema.ts'
import { type Secrets, secretNames } from '../../../src/topology/secrets.ts'
import { startEtcd, type TestEtcd, testPassword } from '../../support/etcd.ts'
import { until } from '../../support/sandboxed.ts'
import { twoRegionsAndWitness } from '../../support/world.ts'

type SetHealth = Extract<Action, { kind: 'setHealth' }>

/** Several agents on the same keys, each with a clock that the test controls. */
describe('agents that share an etcd', () => {
  let cluster: TestEtcd
  let topology: Topology
  let nowMs = 0
  before(async () => {
    cluster = await startEtcd(3)
    await cluster.client().enableAuth()
    topology = topologyAt(cluster.base)
  })
  after(() => cluster?.stop())
  beforeEach(() => cluster.client().delete('/', { prefix: true }))

  const secrets = Object.fromEntries(secretNames.map((name) => [name, testPassword])) as Secrets
  const agent = (region: string) =>
    new StateStore(contextOf(topology, region, { secrets, folder: '/w', appFolder: '/a' }), () => nowMs)
  const report = (region: string) => ({ region, at: 1, version: '1', seen: {}, database: undefined })

  /** Patroni's leader key, under its own lease as Patroni keeps it. */
  async function lead(region: string): Promise<Leader> {
    const lease = await cluster.client().grantLease(60)
    await cluster.client().put('/service/store/leader', region, { lease })
    return (await agent('us-west').read()).leader!
  }
  const leads = async () => (await agent('us-west').read()).leader?.region

  test('a purge of one agent is seen by all, and so is what each has applied', async () => {
    const [west, east] = [agent('us-west'), agent('us-east')]
    assert.equal((await east.read()).purgeHead, undefined)
    const { number, id } = await west.purges.add({ scope: { kind: 'pages' } })
    await west.publish({ ...report('us-west'), purges: { applied: number } })
    const { purgeHead, reports } = await east.read()
    assert.deepEqual([purgeHead, reports['us-west']?.purges], [{ number: 1, id }, { applied: 1 }])
  })

  test('exactly one of several agents revokes a leader’s lease', async () => {
    const agents = ['us-west', 'us-central', 'us-west', 'us-central'].map(agent)
    await Promise.all(agents.map((one, index) => one.publish(report(index % 2 ? 'us-central' : 'us-west'))))
    const leader = await lead('us-east')
    const done = await Promise.all(agents.slice(0, 2).map((one) => one.revokeLeader(leader)))
    assert.deepEqual(done.sort(), [false, true])
    assert.equal(await leads(), undefined)
  })

  test('a named successor is stored for Patroni together with the claim, and not if the claim fails', async () => {
    const [west, central] = [agent('us-west'), agent('us-central')]
    await Promise.all([west.publish(report('us-west')), central.publish(report('us-central'))])
    const leader = await lead('us-east')
    await cluster.client().put(`/nearside/store/claims/${leader.lease}`, 'us-west')
    assert.equal(await central.revokeLeader(leader, 'us-west'), false)
    assert.equal(await west.isMoving('us-east', 'us-west'), false)
    const next = await lead('us-east')
    assert.equal(await central.revokeLeader(next, 'us-west'), true)
    assert.equal(await west.isMoving('us-east', 'us-west'), true)
  })

  test('a decision about an earlier leader revokes nothing', async () => {
    const west = agent('us-west')
    await west.publish(report('us-west'))
    const old = await lead('us-east')
    // Patroni has written the key again, or another region has taken it.
    for (const region of ['us-east', 'us-west']) {
      await lead(region)
      assert.equal(await west.revokeLeader(old), false)
      assert.equal(await leads(), region)
    }
  })

  test('only the claimant retries a revocation that got no answer', async () => {
    const [west, central] = [agent('us-west'), agent('us-central')]
    await Promise.all([west.publish(report('us-west')), central.publish(report('us-central'))])
    const leader = await lead('us-east')
    await cluster.client().put(`/nearside/store/claims/${leader.lease}`, 'us-west')
    assert.equal(await central.revokeLeader(leader), false)
    assert.equal(await leads(), 'us-east')
    assert.equal(await west.revokeLeader(leader), true)
    assert.equal(await leads(), undefined)
  })

  test('another agent can take over when the claimant’s lease expires', async () => {
    const [west, central] = [agent('us-west'), agent('us-central')]
    await Promise.all([west.publish(report('us-west')), central.publish(report('us-central'))])
    const leader = await lead('us-east')
    const [mine] = await cluster.client().get('/nearside/store/agents/us-west')
    await cluster.client().put(`/nearside/store/claims/${leader.lease}`, 'us-west', { lease: mine!.lease })
    await west.withdraw()
    assert.equal(await central.revokeLeader(leader), true)
  })

  test('exactly one of several agents that decided on the same state changes the health', async () => {
    const agents = ['us-west', 'us-central', 'us-east'].map(agent)
    const lost: SetHealth = {
      kind: 'setHealth',
      region: 'us-east',
      state: 'unreachable',
      was: 'healthy',
      revision: '0',
      by: [],
    }
    const done = await Promise.all(agents.map((one) => one.setHealth(lost)))
    assert.equal(done.filter(Boolean).length, 1)
    const { health } = await agents[0]!.read()
    assert.equal(health['us-east']?.state, 'unreachable')
    const { revision } = health['us-east']!
    const back: SetHealth = { ...lost, state: 'healthy', was: 'unreachable', revision }
    assert.equal(await agents[1]!.setHealth(back), true)
    assert.equal(await agents[2]!.setHealth(back), false)
  })

  test('exactly one of several agents agrees on the next steering table', async () => {
    const agents = ['us-west', 'us-central', 'us-east'].map(agent)
    assert.deepEqual((await agents[0]!.read()).table, { revision: undefined, modRevision: '0', sinceMs: 0 })
    assert.equal(await agents[0]!.agreeTable('aaaa', '0'), true)
    assert.equal(await agents[1]!.agreeTable('bbbb', '0'), false)
    const { table } = await agents[2]!.read()
    assert.equal(table.revision, 'aaaa')
    assert.equal(await agents[2]!.agreeTable('bbbb', table.modRevision), true)
    assert.equal((await agents[0]!.read()).table.revision, 'bbbb')
  })

  test('the first time that a region is healthy is kept by run, and with the change of its health', async () => {
    const [west, central] = [agent('us-west'), agent('us-central')]
    const slow = { kind: 'setHealth', region: 'us-east', state: 'unhealthy', was: 'healthy' } as const
    assert.equal(await west.setHealth({ ...slow, by: [], revision: '0' }), true)
    const { revision } = (await central.read()).health['us-east']!
    assert.equal(await central.setHealth({ ...slow, by: [], state: 'healthy', first: true, revision }), true)
    await central.markServed('us-east', 'run-1')
    const { health, served } = await west.read()
    assert.equal(health['us-east']!.first, true)
    assert.ok(Math.abs(Date.now() - health['us-east']!.at!) < 60_000)
    assert.deepEqual(served, { 'us-east': 'run-1' })
  })

  test('a reader measures a report’s age from when it first saw it', async () => {
    const [west, central] = [agent('us-west'), agent('us-central')]
    await west.publish(report('us-west'))
    const age = async () => (await central.read()).reports['us-west']?.ageMs
    nowMs = 1_000_000
    assert.equal(await age(), 0)
    nowMs += 700
    assert.equal(await age(), 700)
    await west.publish(report('us-west'))
    assert.equal(await age(), 0)
  })

  test('a report is removed when its agent withdraws it, and when its lease expires', async () => {
    const [west, central, east] = [agent('us-west'), agent('us-central'), agent('us-east')]
    for (const [one, region] of [
      [west, 'us-west'],
      [central, 'us-central'],
    ] as const)
      await one.publish(report(region))
    const reports = async () => Object.keys((await east.read()).reports)
    assert.deepEqual(await reports(), ['us-central', 'us-west'])
    await west.withdraw()
    assert.deepEqual(await reports(), ['us-central'])
    await until('the lease to expire', async () => (await reports()).length === 0)
    // The agent comes back with a new lease.
    nowMs += 60_000
    await central.publish(report('us-central'))
    assert.deepEqual(await reports(), ['us-central'])
  })

  const failed = { kind: 'failed', why: 'exit 1', region: 'us-west', logFile: '/log/release.log' } as const

  test('a release runs once; only a failed one can be cleared, not one that is running or has succeeded', async () => {
    const [west, east] = [agent('us-west'), agent('us-east')]
    await Promise.all([west.publish(report('us-west')), east.publish(report('us-east'))])
    const claimed = await Promise.all([west.claimRelease('r1'), east.claimRelease('r1')])
    const [own, other] = claimed[0] ? [west, east] : [east, west]
    assert.deepEqual(claimed.sort(), [false, true])
    await west.forgetFailedRelease('r1')
    assert.equal(await other.claimRelease('r1'), false)
    await own.settleRelease('r1', failed)
    await west.forgetFailedRelease('r1')
    assert.equal(await east.claimRelease('r1'), true)
    await east.settleRelease('r1', { kind: 'ok' })
    await west.forgetFailedRelease('r1')
    assert.deepEqual((await west.read()).releases.r1, { kind: 'ok' })
  })

  test('the claimant can store the outcome even after its claim has expired, but not over another agent’s claim', async () => {
    const [west, east] = [agent('us-west'), agent('us-east')]
    await Promise.all([west.publish(report('us-west')), east.publish(report('us-east'))])
    const outcome = async () => (await west.read()).releases.r1
    assert.equal(await west.claimRelease('r1'), true)
    await west.withdraw()
    assert.equal(await outcome(), undefined)
    await west.settleRelease('r1', { kind: 'ok' })
    // The first call may or may not have arrived, so it is retried.
    await west.settleRelease('r1', { kind: 'ok' })
    assert.deepEqual(await outcome(), { kind: 'ok' })
    await cluster.client().delete('/nearside/store/releases/r1')
    assert.equal(await east.claimRelease('r1'), true)
    await west.settleRelease('r1', failed)
    await west.settleRelease('r1', undefined)
    assert.deepEqual(await outcome(), { kind: 'running', region: 'us-east' })
    await east.settleRelease('r1', undefined)
    assert.equal(await outcome(), undefined)
  })

  test('an agent takes over an abandoned claim of its own region and attaches it to its own lease', async () => {
    const [old, next] = [agent('us-west'), agent('us-west')]
    await Promise.all([old.publish(report('us-west')), next.publish(report('us-west'))])
    assert.equal(await old.claimRelease('r1'), true)
    assert.equal(await next.claimRelease('r1'), true)
    await old.withdraw()
    assert.deepEqual((await next.read()).releases.r1, next.claim)
  })

  test('the outcomes of old runs are deleted', async () => {
    const west = agent('us-west')
    await west.publish(report('us-west'))
    for (let run = 0; run < 12; run += 1) {
      await west.claimRelease(`r${run}`)
      await west.settleRelease(`r${run}`, { kind: 'ok' })
    }
    assert.deepEqual(Object.keys((await west.read()).releases).sort(), ['r10', 'r11', 'r7', 'r8', 'r9'])
  })

  test('the last 500 events are kept, also when each agent writes only a few', async () => {
    const client = cluster.client()
    for (let at = 0; at < 520; at += 1)
      await client.put(
        `/nearside/store/events/${String(at).padStart(15, '0')}-us-east-1`,
        '{"at":1,"region":"us-east","kind":"primary","detail":{}}',
      )
    // Writing an event may time out on a busy machine, so the test retries.
    const said = () => agent('us-west').record('primary', { to: 'us-west' })
    await until('it to be written', () =>
      said().then(
        () => true,
        () => false,
      ),
    )
    await until('the oldest to be deleted', async () => (await agent('us-east').events()).length === 500)
    const newest = (await agent('us-east').events()).at(-1)
    assert.deepEqual([newest?.kind, newest?.detail], ['primary', { to: 'us-west' }])
  })

  describe('a damaged value', () => {
    const root = '/nearside/store/'
    const names = [
      ...[
        'agents/us-east',
        'health/us-east',
        'served/us-east',
        'steering/table',
        'releases/r1',
        'purges/head',
      ],
      ...['purges/list/000000000001', 'events/000000000000001-us-east-1', 'claims/77'],
    ]
    const values: Record<string, string> = {
      'not JSON': 'not JSON',
      'of another type': '[1]',
      'without its fields': '{}',
      'as large as etcd takes': 'x'.repeat(1_500_000),
      'of a kind that this version does not know':
        '{"kind":"paused","state":"paused","scope":{"kind":"tag"}}',
      binary: '\u0000\u0001\ufffd\u001b[31m',
    }
    const damaged = async (one: StateStore) => {
      const all = [...(await one.read()).damaged, ...(await one.rarelyReadDamage())]
      return all.map(({ key }) => key)
    }

    for (const name of names)
      test(`${name}: is named and skipped, whatever it is, and every other key is read`, async () => {
        const [west, central] = [agent('us-west'), agent('us-central')]
        await Promise.all([west.publish(report('us-west')), central.publish(report('us-central'))])
        const leader = await lead('us-east')
        for (const [what, value] of Object.entries(values)) {
          await cluster.client().put(root + name, value)
          assert.deepEqual(await damaged(west), [root + name], what)
          const snapshot = await west.read()
          assert.deepEqual(Object.keys(snapshot.reports), ['us-central', 'us-west'], what)
          assert.equal(snapshot.leader?.region, 'us-east', what)
          assert.deepEqual(await west.events(), [], what)
        }
        assert.equal(await west.revokeLeader(leader), true)
      })

    test('of 2 MB is one that etcd itself refuses', async () => {
      const put = cluster.client().put(`${root}events/1`, 'x'.repeat(2_000_000))
      await assert.rejects(put, { code: 'etcd_refused' })
    })

    test('of Patroni is named too, and leads nobody', async () => {
      for (const name of ['leader', 'sync']) {
        await cluster.client().put(`/service/store/${name}`, '{"x":')
        assert.deepEqual(await damaged(agent('us-west')), [`/service/store/${name}`])
        assert.equal(await leads(), undefined)
        await cluster.client().delete(`/service/store/${name}`)
      }
      // One that nobody holds is removed, and only that.
      const [west, central] = [agent('us-west'), agent('us-central')]
      await cluster.client().put('/service/store/leader', 'garbage')
      const { unheldLeader } = await west.read()
      assert.equal(await central.removeUnheldLeader(unheldLeader!), true)
      await lead('us-east')
      assert.equal(await west.removeUnheldLeader(unheldLeader!), false)
      assert.deepEqual([await leads(), (await west.read()).unheldLeader], ['us-east', undefined])
      const lease = await cluster.client().grantLease(60)
      await cluster.client().put('/service/store/leader', 'garbage', { lease })
      assert.equal((await west.read()).unheldLeader, undefined)
      await cluster.client().put('/service/store/failover', 'garbage')
      assert.equal(await agent('us-west').isMoving('us-east', 'us-west'), false)
    })

    test('of the health is replaced by the next change, and until then a lost region stays lost', async () => {
      const west = agent('us-west')
      const lost: SetHealth = {
        ...{ kind: 'setHealth', region: 'us-east', state: 'unreachable', was: 'healthy' },
        ...{ revision: '0', by: [] },
      }
      await west.setHealth(lost)
      await west.read()
      await cluster.client().put(`${root}health/us-east`, '{"state":"fine"}')
      const { state, revision } = (await west.read()).health['us-east']!
      assert.equal(state, 'unreachable')
      // One that has just started does not know that.
      assert.equal((await agent('us-central').read()).health['us-east']!.state, 'healthy')
      assert.equal(await west.setHealth({ ...lost, state: 'healthy', was: 'unreachable', revision }), true)
      const { health, damaged: left } = await west.read()
      assert.deepEqual([health['us-east']!.state, left], ['healthy', []])
    })

    test('of the steering table is replaced by the next agreement', async () => {
      const west = agent('us-west')
      await cluster.client().put(`${root}steering/table`, '../../x')
      const { table } = await west.read()
      assert.equal(table.revision, undefined)
      assert.equal(await west.agreeTable('aaaa', table.modRevision), true)
      assert.equal((await west.read()).table.revision, 'aaaa')
    })

    test('of a claim does not keep a lost leader in place, while a good one does', async () => {
      const [west, central] = [agent('us-west'), agent('us-central')]
      await Promise.all([west.publish(report('us-west')), central.publish(report('us-central'))])
      const leader = await lead('us-east')
      await cluster.client().put(`${root}claims/${leader.lease}`, '{"by":')
      const done = await Promise.all([west, central].map((one) => one.revokeLeader(leader, 'us-west')))
      assert.deepEqual(done.sort(), [false, true])
      assert.equal(await leads(), undefined)
      assert.equal(await west.isMoving('us-east', 'us-west'), true)
    })

    test('of a release is claimed again by exactly one agent', async () => {
      const agents = [agent('us-west'), agent('us-east')]
      await Promise.all([agents[0]!.publish(report('us-west')), agents[1]!.publish(report('us-east'))])
      await cluster.client().put(`${root}releases/r1`, '{"kind":"paused"}')
      assert.deepEqual((await agents[0]!.read()).releases, { r1: undefined })
      await agents[0]!.forgetFailedRelease('r1')
      const claimed = await Promise.all(agents.map((one) => one.claimRelease('r1')))
      assert.deepEqual(claimed.sort(), [false, true])
    })

    test('of the purges’ head is replaced by the next purge, and meanwhile the list tells the latest', async () => {
      const west = agent('us-west')
      await west.purges.add({ scope: { kind: 'pages' } })
      const { number, id } = await west.purges.add({ scope: { kind: 'all' } })
      await cluster.client().put(`${root}purges/head`, '{"number":"9"}')
      assert.deepEqual((await west.read()).purgeHead, { number, id })
      assert.equal((await west.purges.add({ scope: { kind: 'pages' } })).number, 3)
      assert.deepEqual(await damaged(west), [])
      // The same when it has been removed.
      await cluster.client().delete(`${root}purges/head`)
      assert.equal((await west.read()).purgeHead?.number, 3)
      assert.equal((await west.purges.add({ scope: { kind: 'pages' } })).number, 4)
    })

    test('of a report counts as none, and one damaged part does not cost the region its vote', async () => {
      const [west, east] = [agent('us-west'), agent('us-east')]
      await west.publish({ ...report('us-west'), database: { role: 'arbiter' } as never })
      const { reports, damaged: found } = await east.read()
      assert.deepEqual(reports['us-west'], { ...report('us-west'), ageMs: 0 })
      assert.match(found[0]!.why, /^database\.role: /)
      await west.publish(report('us-west'))
      assert.deepEqual((await east.read()).damaged, [])
    })

    test('what another version keeps there as well is neither read nor named', async () => {
      const west = agent('us-west')
      for (const name of ['agents/us-west/more', 'disks/us-east', 'steering/table/next'])
        await cluster.client().put(root + name, 'x')
      assert.deepEqual(await damaged(west), [])
      assert.deepEqual((await west.read()).reports, {})
    })
  })

  test('Patroni’s sync record is parsed even when it is incomplete', async () => {
    const sync = async (value: string) => {
      await cluster.client().put('/service/store/sync', value)
      return (await agent('us-west').read()).sync
    }
    assert.deepEqual(await sync('{"leader":"us-east","sync_standby":"us-west"}'), {
      leader: 'us-east',
      standbys: ['us-west'],
    })
    for (const empty of ['{"leader":null,"sync_standby":null}', '{}', 'garbage', '[]', '{"leader":7}'])
      assert.deepEqual(await sync(empty), { standbys: [] })
  })
})

function topologyAt(base: string): Topology {
  const input: TopologyInput = {
    name: 'store',
    domain: 'store.example.com',
    network: { base },
    regions: twoRegionsAndWitness,
    app: { command: ['true'] },
  }
  const { topology } = validate(input)
  assert.ok(topology)
  return topology
}
