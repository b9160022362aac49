import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DatabaseState } from '../../../src/agent/database/monitor.ts'
import { combine } from '../../../src/world/status/combine.ts'
import { regionProblems } from '../../../src/world/status/region-health.ts'
import { steeringProblems } from '../../../src/world/status/steering-health.ts'
import type { RegionReport } from '../../../src/world/status/types.ts'
import { sampleRegions, shared, statusOf, withoutAgent } from './sample.ts'

const codes = (regions: readonly RegionReport[]) => statusOf(regions).problems.map((problem) => problem.code)
const [east, west, central] = sampleRegions() as [RegionReport, RegionReport, RegionReport]

test('a world as requested is healthy', () => {
  const status = statusOf(sampleRegions())
  assert.deepEqual([status.health, status.problems], ['healthy', []])
  assert.deepEqual([status.primary, status.durability], ['us-east', 'region'])
})

test('a killed region is one problem with one remedy, and the others still serve', () => {
  const status = statusOf([withoutAgent(east, 'gone'), west, central])
  assert.equal(status.health, 'degraded')
  assert.deepEqual(
    status.problems.map((problem) => problem.code),
    ['primary_unreachable', 'region_dead'],
  )
  assert.equal(status.problems[1]!.remedy, 'run `nearside revive us-east`')
})

test('missing agents with running engines are reported together', () => {
  const regions = [east, west, central].map((region) => withoutAgent(region, 'running'))
  const status = statusOf(regions)
  assert.equal(status.health, 'degraded')
  assert.deepEqual(
    status.problems.map(({ code, remedy }) => [code, remedy]),
    [['agent_gone', 'run `nearside up`']],
  )
  assert.match(status.problems[0]!.message, /us-east, us-west and us-central/)
  assert.equal(status.shared, undefined)
})

test('without any agent, the databases report the primary and the sync standby', () => {
  const status = statusOf([east, west, central].map((region) => withoutAgent(region, 'running')))
  assert.deepEqual([status.primary, status.durability], ['us-east', 'region'])
  assert.deepEqual(
    status.regions.map((region) => region.health),
    [undefined, undefined, undefined],
  )
})

test('a stopped world is down, and reports nothing else', () => {
  const status = statusOf([east, west, central].map((region) => withoutAgent(region, 'none')))
  assert.equal(status.health, 'down')
  assert.deepEqual(
    status.problems.map(({ code, remedy }) => [code, remedy]),
    [['world_stopped', 'run `nearside up`']],
  )
})

test('a world that serves users nowhere is down, whatever else is healthy', () => {
  assert.equal(
    statusOf([{ ...east, edge: 'no app' }, { ...west, edge: 'unreachable' }, central]).health,
    'down',
  )
})

describe('what did not answer in time', () => {
  const silent = (report: RegionReport): RegionReport => ({
    ...withoutAgent(report, 'running'),
    agentState: 'hangs',
    ...(report.edge ? { edge: 'unknown' } : {}),
    ...(report.database
      ? { database: { role: 'unknown', state: 'Patroni did not answer within 150 ms' } }
      : {}),
    silentMs: { agent: 200, edge: 300, ...(report.database ? { patroni: 150 } : {}) },
  })
  const messages = (regions: readonly RegionReport[]) =>
    statusOf(regions).problems.map(({ code, message }) => `${code}: ${message}`)
  const notTold = /\bdown\b|holds the primary: writes wait|does not answer/

  test('is unknown, and neither down nor without a primary', () => {
    const regions = [east, west, central].map(silent)
    const { health, primary, primaryKnown } = statusOf(regions)
    assert.deepEqual([health, primary], ['unknown', undefined])
    const why =
      'Patroni in us-east did not answer within 150 ms, Patroni in us-west did not answer within 150 ms'
    assert.deepEqual(primaryKnown, { state: 'unknown', why })
    assert.deepEqual(messages(regions), [
      `primary_unknown: where the primary is, is not known: ${why}`,
      'agent_hangs: us-east: its agent did not answer within 200 ms; its engines report its state',
      'edge_unknown: us-east: its edge did not answer within 300 ms',
      'agent_hangs: us-west: its agent did not answer within 200 ms; its engines report its state',
      'edge_unknown: us-west: its edge did not answer within 300 ms',
      'agent_hangs: us-central: its agent did not answer within 200 ms; its engines report its state',
    ])
  })

  test('comes from a stale view with its age, but only as what was', () => {
    const stale = { ...central, world: { ...shared, ageMs: 12_000 } }
    const { primary, primaryKnown, problems } = statusOf([silent(east), silent(west), stale])
    assert.equal(primary, undefined)
    assert.deepEqual(primaryKnown.state === 'unknown' && [primaryKnown.last, primaryKnown.ageMs], [
      'us-east',
      12_000,
    ])
    assert.match(problems[0]!.message, /is not known: .*; it was in us-east 12 s ago$/)
  })

  test('is known from others: an edge that another agent reaches serves, and a fresh view has the primary', () => {
    const ok = { ok: true, forMs: 5000 }
    const seen = {
      'us-east': { edge: ok, app: ok },
      'us-west': { edge: { ok: false, forMs: 3000 }, app: ok },
    }
    const regions = [silent(east), silent(west), { ...central, seen }]
    const { health, primary, primaryKnown } = statusOf(regions)
    assert.deepEqual([health, primary, primaryKnown], ['degraded', 'us-east', { state: 'yes', ageMs: 200 }])
    const told = messages(regions)
    assert.ok(
      told.includes('edge_unknown: us-east: its edge did not answer within 300 ms; us-central reaches it'),
    )
    assert.ok(
      told.includes(
        'edge_unknown: us-west: its edge did not answer within 300 ms; us-central has not reached it for 3.0 s',
      ),
    )
    assert.equal(
      told[0],
      'primary_unknown: whether the primary in us-east takes writes is not known: Patroni in us-east did not answer within 150 ms',
    )
  })

  test('a Patroni that is slow to its own agent does not mean that writes wait', () => {
    const database = { role: 'unknown' as const, state: 'Patroni does not answer' }
    assert.deepEqual(messages([{ ...east, database }, west, central]), [
      'primary_unknown: whether the primary in us-east takes writes is not known: Patroni in us-east did not answer',
    ])
    // One that does not run is known not to.
    const processes = [{ name: 'postgres', state: 'backoff' as const, restarts: 3 }]
    assert.match(messages([{ ...east, database, processes }, west, central])[0]!, /^primary_unreachable: /)
  })

  test('a primary that does not report its standbys leaves open whether a replica follows', () => {
    const lag = { ...shared.lag, 'us-west': { lagMs: 9000 } }
    const world = { ...shared, durability: 'unknown' as const, lag }
    const regions = sampleRegions().map((one) => ({ ...one, world }))
    assert.deepEqual(codes(regions), ['durability_unknown'])
  })

  test('no primary is told only when the agents’ fresh view or every database says so', () => {
    const { primary, ...without } = shared
    const replica = { role: 'replica' as const, state: 'streaming' }
    const fresh = sampleRegions().map((one) => ({
      ...one,
      ...(one.database ? { database: replica } : {}),
      world: without,
    }))
    assert.deepEqual(statusOf(fresh).primaryKnown, { state: 'no', ageMs: 200 })
    assert.ok(codes(fresh).includes('no_primary'))
    const alone = fresh.map((one) => withoutAgent(one, 'running'))
    assert.ok(codes(alone).includes('no_primary'))
    assert.ok(!codes([silent(alone[0]!), ...alone.slice(1)]).includes('no_primary'))
    // etcd names none, and a database disagrees.
    const contradicted = [{ ...fresh[0]!, database: east.database! }, ...fresh.slice(1)]
    assert.ok(codes(contradicted).includes('primary_unknown'))
    const damaged = [{ key: '/service/shop/leader', why: 'x', until: 'y' }]
    const unread = fresh.map((one) => ({ ...one, world: { ...without, damaged } }))
    assert.deepEqual(codes(unread), ['primary_unknown', 'state_damaged'])
  })

  test('whatever combination is silent, nothing is told as a fact', () => {
    for (let which = 0; which < 8; which += 1) {
      const regions = [east, west, central].map((one, bit) => (which & (1 << bit) ? silent(one) : one))
      const status = statusOf(regions)
      assert.notEqual(status.health, 'down')
      for (const { code, message } of status.problems) {
        assert.doesNotMatch(message, notTold)
        assert.notEqual(code, 'no_primary')
      }
    }
  })
})

test('a stale view is reported with its age, and the primary then comes from the databases', () => {
  const old = { ...shared, ageMs: 12_000, primary: 'us-west' }
  const error = { error: 'etcd /v3/kv/txn: no answer' }
  const status = statusOf(sampleRegions().map((region) => ({ ...region, world: old, etcd: error })))
  assert.equal(status.primary, 'us-east')
  assert.equal(status.shared!.ageMs, 12_000)
  const [problem] = status.problems
  assert.equal(problem!.code, 'etcd_unreachable')
  assert.match(problem!.message, /from any region.*health, lag and verdicts are 12 s old/)
})

test('the view of an agent that reaches etcd wins over a newer one of an agent that does not', () => {
  const cut = { ...east, etcd: { error: 'no answer' }, world: { ...shared, ageMs: 0, primary: 'us-central' } }
  const status = statusOf([cut, west, central])
  assert.deepEqual([status.shared!.from, status.primary], ['us-west', 'us-east'])
  assert.match(status.problems[0]!.message, /from us-east/)
})

test('two regions that claim the primary are reported', () => {
  const other = { ...west, database: { role: 'primary' as const, standbys: [] } }
  assert.ok(codes([east, other, central]).includes('primary_claimed_twice'))
})

test('each durability below the requested one is a problem of its own', () => {
  const as = (durability: 'at risk' | 'stopped' | 'unknown' | 'local') =>
    sampleRegions().map((region) => ({ ...region, world: { ...shared, durability } }))
  assert.deepEqual(codes(as('at risk')), ['durability_at_risk'])
  assert.deepEqual(codes(as('stopped')), ['durability_stopped'])
  assert.deepEqual(codes(as('unknown')), ['durability_unknown'])
  assert.deepEqual(codes(as('local')), [])
})

test('health names the regions that agree; a suspicion stays a suspicion', () => {
  const health = { ...shared.health, 'us-west': 'unhealthy' as const }
  const verdict = { region: 'us-west', state: 'unhealthy' as const, by: ['us-east', 'us-central'], needed: 2 }
  const unhealthy = sampleRegions().map((one) => ({
    ...one,
    world: { ...shared, health },
    verdicts: [verdict],
  }))
  assert.deepEqual(
    statusOf(unhealthy).problems.map((problem) => problem.message),
    ['us-west: unhealthy, according to us-east and us-central'],
  )
  const suspect = sampleRegions().map((one) => ({
    ...one,
    verdicts: [{ ...verdict, state: 'suspect' as const, by: ['us-east'] }],
  }))
  assert.deepEqual(codes(suspect), ['region_suspect'])
})

test('a process that is not ready is reported with cause, restarts and log', () => {
  const processes = [{ name: 'app-0', state: 'backoff' as const, restarts: 3, why: 'it exited' }]
  const status = statusOf([{ ...east, processes }, west, central])
  assert.deepEqual(status.problems, [
    {
      code: 'process_not_ready',
      region: 'us-east',
      message: 'us-east: app-0 is restarting: it exited (3 restarts)',
      remedy: 'see `nearside logs us-east app-0`',
    },
  ])
})

test('a replica that does not stream, a hung agent and a failed release are problems', () => {
  const lag = { ...shared.lag, 'us-west': { lagMs: 9000, streaming: false } }
  assert.deepEqual(codes(sampleRegions().map((one) => ({ ...one, world: { ...shared, lag } }))), [
    'replica_not_streaming',
  ])
  const hangs = { ...withoutAgent(west, 'running'), agentState: 'hangs' as const }
  assert.deepEqual(codes([east, hangs, central]), ['agent_hangs'])
  const logFile = '/w/.nearside/shop/regions/us-east/log/release.log'
  const release = { kind: 'failed' as const, why: 'exit 4', region: 'us-east', logFile }
  assert.deepEqual(codes(sampleRegions().map((one) => ({ ...one, world: { ...shared, release } }))), [
    'release_failed',
  ])
})

test('a full etcd is one problem with a remedy; a nearly full one is reported while all else works', () => {
  const quotaBytes = 2 * 1024 ** 3
  const refused = { error: 'etcd /v3/kv/put: etcdserver: mvcc: database space exceeded' }
  const full = { ...refused, dbBytes: quotaBytes, quotaBytes, alarms: ['NOSPACE' as const] }
  const status = statusOf([{ ...east, etcd: full }, { ...west, etcd: refused }, central])
  assert.deepEqual(
    status.problems.map(({ code, remedy }) => [code, remedy]),
    [['etcd_full', 'run `nearside doctor --fix`']],
  )
  const nearly = { dbBytes: 0.9 * quotaBytes, quotaBytes, alarms: [] }
  assert.deepEqual(codes([east, { ...west, etcd: nearly }, central]), ['etcd_nearly_full'])
  const little = { dbBytes: 3_000_000, quotaBytes, alarms: [] }
  assert.deepEqual(codes([east, { ...west, etcd: little }, central]), [])
})

test('a damaged value in etcd is one problem per key, whoever reports it, with its remedy', () => {
  const release = { key: '/nearside/shop/releases/1', why: 'not JSON' }
  const report = {
    key: '/nearside/shop/agents/us-west',
    why: 'seen: expected record',
    until: 'the agent of us-west writes it again',
  }
  const led = {
    key: '/service/shop-pg/leader',
    why: 'expected the name of a region',
    until: 'Patroni writes it again',
  }
  const told = (...damaged: (typeof report | typeof release)[]) =>
    statusOf([east, west, central].map((one) => ({ ...one, world: { ...shared, damaged } }))).problems
  assert.deepEqual(told(release, report, led), [
    {
      code: 'state_damaged',
      message: '/nearside/shop/releases/1 in etcd is damaged (not JSON) and is skipped',
      remedy: 'run `nearside doctor --fix`, which removes it',
    },
    {
      code: 'state_damaged',
      message:
        '/nearside/shop/agents/us-west in etcd is damaged (seen: expected record) and is skipped until the agent of us-west writes it again',
      remedy: 'run `nearside doctor --fix`, which removes it',
    },
    {
      code: 'state_damaged',
      message:
        '/service/shop-pg/leader in etcd is damaged (expected the name of a region) and is skipped until Patroni writes it again',
    },
  ])
  const many = Array.from({ length: 500 }, (_, n) => ({ ...release, key: `/nearside/shop/events/${n}` }))
  assert.deepEqual(
    told(...many)
      .map(({ message }) => message)
      .slice(9),
    [
      '/nearside/shop/events/9 in etcd is damaged (not JSON) and is skipped',
      '490 further keys in etcd are damaged',
    ],
  )
})

test('an agent that fails by itself is not blamed on etcd', () => {
  const { problems } = statusOf([east, { ...west, cycleError: 'x is not a function' }, central])
  assert.deepEqual(
    problems.map(({ code, region, message }) => [code, region, message]),
    [['agent_failing', 'us-west', 'us-west: its agent makes no decisions: x is not a function']],
  )
})

test('a database that does not replicate is reported with the cause, if known', () => {
  const said = (database: Partial<DatabaseState>) =>
    regionProblems(
      { ...west, lag: { streaming: false }, database: { role: 'replica', state: 'running', ...database } },
      { verdicts: [] },
    ).map(({ message }) => message)
  assert.deepEqual(said({}), ['us-west: its database does not replicate from the primary'])
  assert.match(
    said({ missingWal: '000000010000000000000005' })[0]!,
    /no longer has the WAL .* replica reinit/,
  )
  assert.match(said({ role: 'unknown', missingWal: '000000010000000000000005' })[0]!, /replica reinit/)
  assert.match(said({ state: 'creating replica' })[0]!, /is being copied from the primary/)
})

test('caches that cannot purge are a problem of their region, with the reason', () => {
  const [east, west, central] = sampleRegions() as [RegionReport, RegionReport, RegionReport]
  assert.deepEqual(codes([east, { ...west, purges: { applied: 7 } }, central]), [])
  const failing = { number: 8, why: 'varnish: ban: no answer' }
  const { problems } = statusOf([east, { ...west, purges: { applied: 7, failing } }, central])
  assert.deepEqual(
    problems.map(({ code, region, message }) => [code, region, message]),
    [
      [
        'purge_failing',
        'us-west',
        'us-west: its caches may serve what purge 8 removes: varnish: ban: no answer',
      ],
    ],
  )
})

test('a region that cannot reach the primary is reported as such', () => {
  const verdicts = [
    {
      region: 'us-west',
      state: 'unhealthy' as const,
      by: ['us-east', 'us-central'],
      needed: 2,
      why: 'no path to the primary' as const,
    },
  ]
  assert.deepEqual(
    regionProblems({ ...west, health: 'unhealthy' }, { verdicts }).map(({ message }) => message),
    ['us-west: unhealthy: it has no path to the primary, which us-east and us-central can reach'],
  )
})

test('without any agent a standby that its own Patroni would not promote is not in sync', () => {
  const said = (recorded: boolean) =>
    statusOf(
      [east, { ...west, database: { ...west.database!, recorded } }, central].map((region) =>
        withoutAgent(region, 'running'),
      ),
    ).durability
  assert.equal(said(true), 'region')
  assert.equal(said(false), 'at risk')
})

test('a full edge is named with its numbers and stays healthy, and one that is nearly full too', () => {
  const withUsers = (current: number, usersWaiting = 0): RegionReport => ({
    ...east,
    health: 'healthy',
    connections: { users: { current, limit: 9_900 }, regions: { current: 3, limit: 20 }, usersWaiting },
  })
  const told = (region: RegionReport) =>
    regionProblems(region, { verdicts: [] }).map((one) => [one.code, one.message])
  assert.deepEqual(told(withUsers(7_000)), [])
  assert.deepEqual(told(withUsers(7_920)), [
    ['edge_nearly_full', 'us-east: serves 7,920 of 9,900 connections: soon users will wait'],
  ])
  assert.deepEqual(told(withUsers(9_900)), [
    ['edge_full', 'us-east: serves 9,900 of 9,900 connections: users wait'],
  ])
  assert.deepEqual(told(withUsers(9_900, 1_200)), [
    ['edge_full', 'us-east: serves 9,900 of 9,900 connections: users wait (1,200 now)'],
  ])
  assert.equal(statusOf([withUsers(9_900), west, central]).regions[0]!.edge, 'serving')
})

test('any other limit of an edge that is reached is named', () => {
  const region: RegionReport = {
    ...east,
    connections: {
      databaseWrite: { current: 300, limit: 300 },
      regions: { current: 0, limit: 0 },
      usersWaiting: 0,
    },
  }
  assert.deepEqual(
    regionProblems(region, { verdicts: [] }).map((one) => [one.code, one.message]),
    [
      [
        'edge_limit_reached',
        'us-east: its edge has 300 of 300 connections for DATABASE_URL: further ones wait',
      ],
    ],
  )
})

describe('steering tables', () => {
  const answering = { kind: 'answering', mark: 'm', prefixes: 4 } as const
  const agreed = { kind: 'agreed', revision: 'aaaaaaaaaaaa' } as const
  const problem = {
    code: 'geoip_missing',
    why: 'no such file: city.mmdb',
    remedy: 'correct the path',
    sinceMs: 1000,
  }
  type Steering = NonNullable<RegionReport['steering']>
  const said = (...[first, second]: Steering[]) =>
    steeringProblems({
      at: 181_000,
      regions: [
        { ...east, steering: first! },
        { ...west, steering: second! },
      ],
    }).map(({ code, message, remedy }) => [code, message, remedy].filter(Boolean).join(' | '))

  test('all regions by the same table, of the present databases: no problem', () => {
    const fine: Steering = { ...answering, table: agreed, agreed: 'aaaaaaaaaaaa', wanted: 'aaaaaaaaaaaa' }
    assert.deepEqual(said(fine, fine), [])
  })

  test('an unusable database is one problem, with what DNS does instead, since when, and the remedy', () => {
    const lastGood: Steering = { ...answering, table: agreed, problem }
    assert.deepEqual(said(lastGood, lastGood), [
      'geoip_unusable | us-east and us-west: steering.geoip has been unusable for 3 min: no such file: city.mmdb; DNS there steers by the last good table, without unhealthy regions | correct the path',
    ])
    const uniform: Steering = { ...answering, table: { kind: 'uniform' }, problem }
    assert.match(said(uniform, uniform)[0]!, /sends everyone to the first healthy region/)
  })

  test('a first table that is being computed is a problem until it is there; a new one is none', () => {
    const uniform: Steering = { ...answering, table: { kind: 'uniform' }, percent: 43 }
    assert.match(said(uniform, uniform)[0]!, /^steering_table_building .*43 %/)
    const old: Steering = { ...answering, table: agreed, percent: 43 }
    assert.deepEqual(said(old, old), [])
  })

  test('regions that answer by different tables, or have different databases, disagree', () => {
    const one: Steering = { ...answering, table: agreed, wanted: 'aaaaaaaaaaaa' }
    const other: Steering = {
      ...answering,
      table: { kind: 'other', revision: 'bbbbbbbbbbbb' },
      wanted: 'bbbbbbbbbbbb',
    }
    assert.match(
      said(one, other)[0]!,
      /^steering_disagrees .*us-east by table aaaaaaaa; us-west by table bbbbbbbb/,
    )
    assert.match(said(one, { ...answering, table: { kind: 'uniform' } })[0]!, /us-west by the topology order/)
    assert.match(
      said(one, { ...one, wanted: 'bbbbbbbbbbbb' })[0]!,
      /^steering_disagrees .*different GeoIP databases/,
    )
  })
})

test('after a total loss the remedy starts all regions: one alone waits for the others', () => {
  const lost = [east, west, central].map((region) => withoutAgent(region, 'gone'))
  for (const regions of [lost, [lost[0]!, west, lost[2]!]]) {
    const { problems } = statusOf(regions)
    assert.equal(problems[0]!.code, 'no_majority')
    assert.match(problems[0]!.remedy!, /nearside up --detach/)
    assert.equal(
      problems.find(({ remedy }) => remedy?.includes('revive')),
      undefined,
    )
  }
  assert.match(statusOf([lost[0]!, west, lost[2]!]).problems[0]!.message, /only us-west runs$/)
})

test('a world that a command is stopping has that one problem, without a remedy', () => {
  const { world, domain, durabilityAsked, at } = statusOf(sampleRegions())
  const regions = [withoutAgent(east, 'none'), west, central]
  const status = combine({ world, domain, durabilityAsked, at, stopping: true, regions })
  assert.deepEqual(status.problems, [{ code: 'world_stopping', message: 'the world is being stopped' }])
  assert.notEqual(status.health, 'healthy')
})
