import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decide, firstServing } from '../../src/failover/decide.ts'
import type { Action, DecisionInput, RegionHealth } from '../../src/failover/types.ts'
import { anyWorld, policy, worldWith } from './worlds.ts'

const eastDead = {
  'us-west': { 'us-east': { dead: 2000 } },
  'us-central': { 'us-east': { dead: 2000 } },
}
const westDead = {
  'us-east': { 'us-west': { dead: 2000 } },
  'us-central': { 'us-west': { dead: 2000 } },
}

describe('the primary’s region is unreachable', () => {
  test('it is declared unreachable, and the lease behind the leader key is revoked', () => {
    const by = ['us-west', 'us-central']
    const leader = { region: 'us-east', lease: '71', modRevision: '9' }
    assert.deepEqual(decide(worldWith(eastDead)).actions, [
      { kind: 'setHealth', region: 'us-east', state: 'unreachable', was: 'healthy', revision: '0', by },
      { kind: 'revokeLeader', leader, by, to: 'us-west' },
    ])
  })

  test('a successor is named only when there can be no other', () => {
    const named = (changes: Partial<DecisionInput>, said = eastDead) => {
      const revocation = decide(worldWith(said, changes)).actions.find(({ kind }) => kind === 'revokeLeader')
      assert.ok(revocation?.kind === 'revokeLeader')
      return revocation.to
    }
    assert.equal(named({ sync: { leader: 'us-east', standbys: ['us-west'] } }), 'us-west')
    // No sync standby; several, of which Patroni must find the one that is ahead; a record of another primary.
    assert.equal(named({ sync: { standbys: [] } }), undefined)
    assert.equal(named({ sync: { leader: 'us-east', standbys: ['us-west', 'us-north'] } }), undefined)
    assert.equal(named({ sync: { leader: 'us-west', standbys: ['us-west'] } }), undefined)
    // The standby does not answer either.
    const both = { 'us-east': { dead: 2000 }, 'us-west': { dead: 300 } }
    assert.equal(named({}, { ...eastDead, 'us-central': both } as typeof eastDead), undefined)
  })

  test('an agent that joins later, or takes over from one that crashed halfway, still revokes', () => {
    const world = worldWith(eastDead, { health: { 'us-east': { state: 'unreachable', revision: '12' } } })
    assert.deepEqual(
      decide(world).actions.map(({ kind }) => kind),
      ['revokeLeader'],
    )
  })

  test('nothing is revoked once the leader key names another region', () => {
    const leader = { region: 'us-west', lease: '80', modRevision: '15' }
    const world = worldWith(eastDead, {
      leader,
      health: { 'us-east': { state: 'unreachable', revision: '12' } },
    })
    assert.deepEqual(decide(world).actions, [])
  })

  test('with automatic failover off it is only declared unreachable', () => {
    const world = worldWith(eastDead, { policy: { ...policy, automatic: false } })
    assert.deepEqual(
      decide(world).actions.map(({ kind }) => kind),
      ['setHealth'],
    )
  })
})

test('a replica’s region becomes unreachable: the change itself wakes the primary, so only once, and nothing is revoked', () => {
  const [action, ...more] = decide(worldWith(westDead)).actions
  assert.deepEqual(more, [])
  assert.deepEqual(action, {
    kind: 'setHealth',
    region: 'us-west',
    state: 'unreachable',
    was: 'healthy',
    revision: '0',
    by: ['us-east', 'us-central'],
    wakes: 'us-east',
  })
  const agreed = worldWith(westDead, { health: { 'us-west': { state: 'unreachable', revision: '3' } } })
  assert.deepEqual(decide(agreed).actions, [])
})

test('the health change of a region that is cut off from the primary carries the reason', () => {
  const fine = { alive: 60_000 }
  const world = worldWith({
    'us-east': { 'us-west': { dead: 9000 } },
    'us-west': { 'us-east': { dead: 9000 } },
    'us-central': { 'us-east': fine, 'us-west': fine },
  })
  assert.deepEqual(decide(world).actions, [
    {
      kind: 'setHealth',
      region: 'us-west',
      state: 'unhealthy',
      was: 'healthy',
      revision: '0',
      by: ['us-east', 'us-central'],
      why: 'no path to the primary',
    },
  ])
})

describe('a primary that hangs', () => {
  const leader = { region: 'us-east', lease: '71', modRevision: '9' }
  const standbyUp = { 'us-east': { 'us-west': { alive: 9000 }, 'us-central': { alive: 9000 } } }
  const hangs = { unresponsiveMs: policy.hungMs, leadsForMs: policy.settleMs, standbys: ['us-west'] }
  const kinds = (
    changes: Parameters<typeof worldWith>[1],
    said: Parameters<typeof worldWith>[0] = standbyUp,
  ) => decide(worldWith(said, { ownPrimary: hangs, ...changes })).actions.map(({ kind }) => kind)

  test('is failed over by its own region, to a standby that has every acknowledged write', () => {
    assert.deepEqual(decide(worldWith(standbyUp, { ownPrimary: hangs })).actions, [
      { kind: 'forceFailover', leader, to: 'us-west', unresponsiveMs: policy.hungMs },
    ])
  })

  test('not before hungMs, and not by a region that has only just become leader: two slow ones would flip-flop', () => {
    assert.deepEqual(kinds({ ownPrimary: { ...hangs, unresponsiveMs: policy.hungMs - 1 } }), [])
    assert.deepEqual(kinds({ ownPrimary: { ...hangs, leadsForMs: policy.settleMs - 1 } }), [])
  })

  test('not without a sync standby that answers and whose region is not unreachable', () => {
    assert.deepEqual(kinds({ ownPrimary: { ...hangs, standbys: [] } }), [])
    assert.deepEqual(kinds({}, { 'us-east': { 'us-west': { dead: 10 } } }), [])
    assert.deepEqual(kinds({ health: { 'us-west': { state: 'unreachable', revision: '3' } } }), [])
  })

  test('not when another region already leads, or with automatic failover off', () => {
    assert.deepEqual(kinds({ leader: { ...leader, region: 'us-west' } }), [])
    assert.deepEqual(kinds({ policy: { ...policy, automatic: false } }), [])
  })

  test('early enough for the election to finish while writes are still held', () => {
    assert.ok(policy.hungMs < 5000)
  })
})

test('an unreachable witness wakes no primary: it holds no data', () => {
  const world = worldWith({
    'us-east': { 'us-central': { dead: 2000 } },
    'us-west': { 'us-central': { dead: 2000 } },
  })
  const [action] = decide(world).actions
  assert.ok(action?.kind === 'setHealth' && action.state === 'unreachable' && action.wakes === undefined)
})

test('an agent with no observations but its own decides nothing', () => {
  const world = worldWith({ 'us-east': { 'us-west': { dead: 9000 }, 'us-central': { dead: 9000 } } })
  assert.deepEqual(decide(world).actions, [])
})

describe('the etcd leader moves', () => {
  const seen = { 'us-west': { alive: 9000 }, 'us-central': { alive: 9000 } }

  test('away from the primary’s region, preferably to a witness', () => {
    const world = worldWith({ 'us-east': seen }, { self: 'us-east', etcdLeader: 'us-east' })
    assert.deepEqual(decide(world).actions, [{ kind: 'moveEtcdLeader', from: 'us-east', to: 'us-central' }])
  })

  test('to the other full region while the witness has not been up for long enough', () => {
    const early = { ...seen, 'us-central': { alive: policy.recoverMs - 1 } }
    const world = worldWith({ 'us-east': early }, { self: 'us-east', etcdLeader: 'us-east' })
    assert.deepEqual(decide(world).actions, [{ kind: 'moveEtcdLeader', from: 'us-east', to: 'us-west' }])
  })

  test('only when its own region proposes it', () => {
    const world = worldWith({ 'us-west': seen }, { self: 'us-west', etcdLeader: 'us-east' })
    assert.deepEqual(decide(world).actions, [])
  })
})

describe('for any world', () => {
  const shared = ({ kind }: Action) => kind !== 'moveEtcdLeader'

  test('every agent decides the same from the same observations and leaves them unchanged', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const before = structuredClone(world)
        const first = decide(world)
        assert.deepEqual(world, before)
        assert.deepEqual(decide(structuredClone(world)), first)
        for (const { name } of world.regions) {
          const other = decide({ ...world, self: name })
          assert.deepEqual(other.verdicts, first.verdicts)
          assert.deepEqual(other.actions.filter(shared), first.actions.filter(shared))
        }
      }),
    )
  })

  test('the order in which observations arrived does not matter', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const reversed = (some: Record<string, unknown>) => Object.fromEntries(Object.entries(some).reverse())
        const other = { ...world, observations: reversed(world.observations), health: reversed(world.health) }
        assert.deepEqual(decide(other as DecisionInput), decide(world))
      }),
    )
  })

  test('at most one revocation, of a leader in an unreachable region, and only if failover is automatic', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const { verdicts, actions } = decide(world)
        const revocations = actions.filter((action) => action.kind === 'revokeLeader')
        assert.ok(revocations.length <= 1)
        for (const { leader, by, to } of revocations) {
          assert.ok(world.policy.automatic)
          if (to !== undefined) {
            assert.deepEqual(world.sync, { leader: leader.region, standbys: [to] })
            assert.notEqual(verdicts.find(({ region }) => region === to)?.state, 'unreachable')
          }
          assert.deepEqual(leader, world.leader)
          const verdict = verdicts.find(({ region }) => region === leader.region)!
          assert.equal(verdict.state, 'unreachable')
          assert.deepEqual(by, verdict.by)
        }
      }),
    )
  })

  test('a health change really changes something, comes once per region, and carries the revision that it is based on', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const changes = decide(world).actions.filter((action) => action.kind === 'setHealth')
        assert.equal(new Set(changes.map(({ region }) => region)).size, changes.length)
        for (const { region, state, was, revision, wakes } of changes) {
          assert.notEqual(state, was)
          assert.equal(was, world.health[region]?.state ?? 'healthy')
          assert.equal(revision, world.health[region]?.revision ?? '0')
          if (wakes !== undefined)
            assert.ok(state === 'unreachable' && wakes === world.leader?.region && wakes !== region)
        }
      }),
    )
  })

  test('an action that was carried out is not decided again', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const { actions } = decide(world)
        const after: DecisionInput = structuredClone(world)
        for (const action of actions) {
          if (action.kind === 'setHealth')
            after.health[action.region] = { state: action.state, revision: `${action.revision}+` }
          if (action.kind === 'revokeLeader') after.leader = undefined
          if (action.kind === 'moveEtcdLeader') after.etcdLeader = action.to
        }
        assert.deepEqual(decide(after).actions.filter(shared), [])
      }),
    )
  })
})

describe('over time', () => {
  const tickMs = 500

  /** Both other regions probe us-east on every tick, with the given answers; the agreed health carries over. */
  function course(answers: boolean[]): RegionHealth[] {
    let health: DecisionInput['health'] = {}
    let since = 0
    return answers.map((ok, tick) => {
      if (tick > 0 && answers[tick - 1] !== ok) since = tick
      const said = ok ? { alive: (tick - since) * tickMs } : { dead: (tick - since) * tickMs }
      const world = worldWith(
        { 'us-east': {}, 'us-west': { 'us-east': said }, 'us-central': { 'us-east': said } },
        { health },
      )
      for (const action of decide(world).actions)
        if (action.kind === 'setHealth' && action.region === 'us-east')
          health = { 'us-east': { state: action.state, revision: String(tick) } }
      return health['us-east']?.state ?? 'healthy'
    })
  }
  const changes = (states: RegionHealth[]) =>
    states.filter((state, tick) => tick > 0 && state !== states[tick - 1])

  test('a region that is never down for suspectMs keeps its users, however often it flaps', () => {
    const outages = fc.array(fc.integer({ min: 1, max: policy.suspectMs / tickMs }), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(outages, fc.infiniteStream(fc.integer({ min: 1, max: 20 })), (gaps, rests) => {
        const answers = gaps.flatMap((gap) => [
          ...Array<boolean>(rests.next().value as number).fill(true),
          ...Array<boolean>(gap).fill(false),
        ])
        assert.deepEqual(changes(course(answers)), [])
      }),
    )
  })

  test('an unreachable region that flaps stays unreachable until it has answered for recoverMs without a break', () => {
    const visits = fc.array(fc.integer({ min: 1, max: policy.recoverMs / tickMs }), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(visits, (lengths) => {
        const down = Array<boolean>(6).fill(false)
        const answers = [
          true,
          ...down,
          ...lengths.flatMap((length) => [...Array<boolean>(length).fill(true), ...down]),
        ]
        assert.deepEqual(changes(course(answers)), ['unreachable'])
      }),
    )
    const back = Array<boolean>(policy.recoverMs / tickMs + 1).fill(true)
    assert.deepEqual(changes(course([true, ...Array<boolean>(6).fill(false), ...back])), [
      'unreachable',
      'healthy',
    ])
  })
})

describe('a region that becomes healthy', () => {
  const returns = (served: string[]) =>
    decide(
      worldWith(
        { 'us-west': { 'us-east': { alive: 60_000 } }, 'us-central': { 'us-east': { alive: 60_000 } } },
        { served, health: { 'us-east': { state: 'unreachable', revision: '5' } } },
      ),
    )
  const change = (served: string[]) =>
    returns(served).actions.find((action) => action.kind === 'setHealth' && action.region === 'us-east')

  test('comes back if it was healthy in this run of the world', () => {
    assert.equal(Object.hasOwn(change(['us-east'])!, 'first'), false)
    assert.deepEqual(firstServing(returns(['us-east']).verdicts, ['us-east']), [])
  })

  test('starts if it was not: nothing comes back, so nothing is ramped up', () => {
    assert.equal((change([]) as { first?: true }).first, true)
    assert.deepEqual(firstServing(returns([]).verdicts, []), ['us-east'])
  })
})
