import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { DecisionInput, View } from '../../src/failover/types.ts'
import { defaultPolicy, healthAfter, verdictOn } from '../../src/failover/verdict.ts'
import { anyWorld, edge, policy, threeRegions, worldWith } from './worlds.ts'

const us = (state: string, by: string[]) => ({ region: 'us-east', state, by, needed: 2 })

describe('a region is unreachable', () => {
  test('when both others have had no answer for suspectMs', () => {
    const world = worldWith({
      'us-west': { 'us-east': { dead: 2000 } },
      'us-central': { 'us-east': { dead: 2000 } },
    })
    assert.deepEqual(verdictOn('us-east', world), us('unreachable', ['us-west', 'us-central']))
  })

  test('not while one of them has waited for less', () => {
    const world = worldWith({
      'us-west': { 'us-east': { dead: 60_000 } },
      'us-central': { 'us-east': { dead: 1999 } },
    })
    assert.deepEqual(verdictOn('us-east', world), us('suspect', ['us-west', 'us-central']))
  })

  test('not when one of the two others does not report, however long the other has waited', () => {
    const world = worldWith({ 'us-west': { 'us-east': { dead: 60_000 } } })
    assert.equal(verdictOn('us-east', world).state, 'suspect')
  })

  test('not by its own report, and not by a stale one', () => {
    const world = worldWith(
      {
        'us-east': { 'us-east': { dead: 9000 } },
        'us-west': { 'us-east': { dead: 9000 } },
        'us-central': { 'us-east': { dead: 9000 } },
      },
      { ageMs: { 'us-central': policy.freshMs + 1 } },
    )
    assert.equal(verdictOn('us-east', world).state, 'suspect')
  })

  test('not while one probe of any kind is answered', () => {
    const dead = { ok: false, forMs: 9000 }
    const onlyEtcd: View = { edge: dead, app: dead, patroni: dead, etcd: { ok: true, forMs: 10 } }
    const world = worldWith({
      'us-west': { 'us-east': onlyEtcd },
      'us-central': { 'us-east': { dead: 9000 } },
    })
    assert.equal(verdictOn('us-east', world).state, 'suspect')
  })

  test('not by the reports of edge regions: they have no vote', () => {
    const world = worldWith(
      {
        'us-west': { 'us-east': { dead: 9000 } },
        'sa-east': { 'us-east': { dead: 9000 } },
        'eu-west': { 'us-east': { dead: 9000 } },
      },
      { regions: [...threeRegions, edge('sa-east'), edge('eu-west')] },
    )
    assert.deepEqual(verdictOn('us-east', world), us('suspect', ['us-west']))
  })

  test('also an edge region, when a majority of the voting regions gets no answer', () => {
    const world = worldWith(
      { 'us-east': { 'sa-east': { dead: 2000 } }, 'us-central': { 'sa-east': { dead: 2000 } } },
      { regions: [...threeRegions, edge('sa-east')] },
    )
    assert.equal(verdictOn('sa-east', world).state, 'unreachable')
  })

  test('never by a vantage that has not probed it yet', () => {
    const world = worldWith({ 'us-west': {}, 'us-central': {} })
    assert.deepEqual(verdictOn('us-east', world), us('alive', []))
  })
})

describe('a region is unhealthy', () => {
  const noApp: View = {
    edge: { ok: true, forMs: 60_000 },
    app: { ok: false, forMs: 2000 },
    patroni: { ok: true, forMs: 60_000 },
    etcd: { ok: true, forMs: 60_000 },
  }

  test('when a majority sees it answer without serving users', () => {
    const world = worldWith({ 'us-west': { 'us-east': noApp }, 'us-central': { 'us-east': noApp } })
    assert.deepEqual(verdictOn('us-east', world), us('unhealthy', ['us-west', 'us-central']))
  })

  test('an edge region too, when it can reach no healthy app: only its users would get 503', () => {
    const lost = { ok: false, forMs: 2000 }
    const fine = { ok: true, forMs: 60_000 }
    const regions = [...threeRegions, edge('eu-central')]
    const views = (app: View['app']) => ({ 'eu-central': { edge: fine, app: app! } })
    const world = worldWith({ 'us-east': views(lost), 'us-west': views(lost) }, { regions })
    assert.deepEqual(verdictOn('eu-central', world), {
      region: 'eu-central',
      state: 'unhealthy',
      by: ['us-east', 'us-west'],
      needed: 2,
    })
    const served = worldWith({ 'us-east': views(fine), 'us-west': views(fine) }, { regions })
    assert.equal(verdictOn('eu-central', served).state, 'healthy')
  })

  test('not because its database or etcd does not answer: it still serves users', () => {
    const noData: View = { ...noApp, app: { ok: true, forMs: 60_000 }, patroni: { ok: false, forMs: 60_000 } }
    const world = worldWith({ 'us-west': { 'us-east': noData }, 'us-central': { 'us-east': noData } })
    assert.equal(verdictOn('us-east', world).state, 'healthy')
  })

  test('not when one vantage sees no app and the other sees nothing: they disagree on the fault', () => {
    const world = worldWith({ 'us-west': { 'us-east': noApp }, 'us-central': { 'us-east': { dead: 9000 } } })
    assert.deepEqual(verdictOn('us-east', world), us('suspect', ['us-central']))
  })
})

describe('a region that alone has no path to the primary', () => {
  const fine = { alive: 60_000 }
  /** The link between both full regions is cut; the witness sees both. */
  const cutOff = (deadMs: number, changes: Parameters<typeof worldWith>[1] = {}) =>
    worldWith(
      {
        'us-east': { 'us-west': { dead: deadMs }, 'us-central': fine },
        'us-west': { 'us-east': { dead: deadMs }, 'us-central': fine },
        'us-central': { 'us-east': fine, 'us-west': fine },
      },
      changes,
    )

  test('is unhealthy, once an unreachable primary would have been declared so', () => {
    assert.deepEqual(verdictOn('us-west', cutOff(policy.recoverMs)), {
      region: 'us-west',
      state: 'unhealthy',
      by: ['us-east', 'us-central'],
      needed: 2,
      why: 'no path to the primary',
    })
    assert.notEqual(verdictOn('us-west', cutOff(policy.recoverMs - 1)).state, 'unhealthy')
  })

  test('the primary’s own region stays healthy, and so does the witness', () => {
    assert.equal(verdictOn('us-east', cutOff(60_000)).state, 'healthy')
    assert.equal(verdictOn('us-central', cutOff(60_000)).state, 'healthy')
  })

  test('is healthy again once the path has been back for recoverMs, and no sooner', () => {
    const repaired = (aliveMs: number) =>
      worldWith({
        'us-east': { 'us-west': fine },
        'us-west': { 'us-east': { alive: aliveMs } },
        'us-central': { 'us-east': fine, 'us-west': fine },
      })
    assert.equal(verdictOn('us-west', repaired(policy.recoverMs - 1)).state, 'alive')
    assert.equal(verdictOn('us-west', repaired(policy.recoverMs)).state, 'healthy')
  })

  test('stays healthy when there is no primary at all, or no other region reaches one', () => {
    assert.equal(verdictOn('us-west', cutOff(60_000, { leader: undefined })).state, 'healthy')
    const leader = { region: 'us-west', lease: '71', modRevision: '9' }
    assert.equal(verdictOn('us-west', cutOff(60_000, { leader })).state, 'healthy')
    const noMajority = worldWith({
      'us-west': { 'us-east': { dead: 60_000 } },
      'us-central': { 'us-east': { dead: 1999 }, 'us-west': fine },
      'us-east': {},
    })
    assert.equal(verdictOn('us-west', noMajority).state, 'healthy')
  })

  test('is unhealthy only by its own fresh report: an agent that does not report accuses no region', () => {
    assert.equal(
      verdictOn('us-west', cutOff(60_000, { ageMs: { 'us-west': policy.freshMs + 1 } })).state,
      'suspect',
    )
    assert.notEqual(
      verdictOn('us-west', cutOff(60_000, { ageMs: { 'us-east': policy.freshMs + 1 } })).state,
      'unhealthy',
    )
  })

  test('an edge region counts too: its writes take the same path', () => {
    const world = worldWith(
      {
        'us-east': { 'sa-east': fine },
        'us-central': { 'us-east': fine, 'sa-east': fine },
        'sa-east': { 'us-east': { dead: 60_000 } },
      },
      { regions: [...threeRegions, edge('sa-east')] },
    )
    assert.equal(verdictOn('sa-east', world).state, 'unhealthy')
  })
})

describe('a region is healthy again', () => {
  const back = (aliveMs: number) =>
    worldWith({
      'us-east': {},
      'us-west': { 'us-east': { alive: aliveMs } },
      'us-central': { 'us-east': { dead: 10 } },
    })

  test('when one other region has seen it serve for recoverMs and its own agent can publish', () => {
    assert.deepEqual(verdictOn('us-east', back(policy.recoverMs)), us('healthy', ['us-west', 'us-east']))
  })

  test('no sooner, and recovery takes longer than being declared unreachable', () => {
    assert.equal(verdictOn('us-east', back(policy.recoverMs - 1)).state, 'suspect')
    assert.ok(policy.recoverMs > policy.suspectMs)
  })

  test('counted from the return of the last thing that users need', () => {
    const view = (appMs: number): View => ({
      edge: { ok: true, forMs: 60_000 },
      app: { ok: true, forMs: appMs },
    })
    const after = (appMs: number) =>
      verdictOn('us-east', worldWith({ 'us-east': {}, 'us-west': { 'us-east': view(appMs) } })).state
    assert.equal(after(policy.recoverMs - 1), 'alive')
    assert.equal(after(policy.recoverMs), 'healthy')
  })

  test('not by its own report alone', () => {
    assert.equal(verdictOn('us-east', worldWith({ 'us-east': {} })).state, 'alive')
    const alone = worldWith({ 'us-east': {} }, { regions: threeRegions.slice(0, 1) })
    assert.equal(verdictOn('us-east', alone).state, 'alive')
  })
})

test('the agreed health stands until there is a majority for another', () => {
  for (const state of ['alive', 'suspect'] as const)
    for (const was of ['healthy', 'unhealthy', 'unreachable'] as const)
      assert.equal(healthAfter({ region: 'us-east', state, by: [], needed: 2 }, was), undefined)
})

test('an observation stays fresh for a few probe intervals and at least 3 s: agents are busy when a region fails', () => {
  assert.equal(defaultPolicy({ suspectMs: 500, probeMs: 100, automatic: true }).freshMs, 3000)
  assert.equal(defaultPolicy({ suspectMs: 500, probeMs: 2000, automatic: true }).freshMs, 8000)
})

describe('for any world', () => {
  const names = (world: DecisionInput) => world.regions.map(({ name }) => name)

  test('every conclusion is backed by a majority of all voting regions, each with a fresh observation', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const voting = world.regions.filter(({ votes }) => votes).map(({ name }) => name)
        for (const { region, state, by, needed } of names(world).map((name) => verdictOn(name, world))) {
          assert.equal(needed, Math.floor(voting.length / 2) + 1)
          if (state === 'alive' || state === 'suspect') continue
          assert.ok(new Set(by).size >= needed)
          for (const vantage of by) {
            assert.ok(voting.includes(vantage))
            assert.ok(world.observations[vantage]!.ageMs <= world.policy.freshMs)
            if (state !== 'healthy') assert.notEqual(vantage, region)
          }
        }
      }),
    )
  })

  test('unreachable means that no probe of any of these vantages has been answered for suspectMs', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        for (const { region, state, by } of names(world).map((name) => verdictOn(name, world))) {
          if (state !== 'unreachable') continue
          for (const vantage of by) {
            const answers = Object.values(world.observations[vantage]!.seen[region]!)
            assert.ok(answers.length > 0)
            assert.ok(answers.every(({ ok, forMs }) => !ok && forMs >= world.policy.suspectMs))
          }
        }
      }),
    )
  })

  test('the two sides of a partition never both reach a conclusion', () => {
    fc.assert(
      fc.property(anyWorld, fc.infiniteStream(fc.boolean()), (world, sides) => {
        const side = new Map(names(world).map((name) => [name, sides.next().value as boolean]))
        const reportsOn = (by: boolean): DecisionInput => ({
          ...world,
          observations: Object.fromEntries(
            Object.entries(world.observations).filter(([vantage]) => side.get(vantage) === by),
          ),
        })
        const concludes = (by: boolean) =>
          names(world).some((name) => {
            const { state } = verdictOn(name, reportsOn(by))
            return state !== 'alive' && state !== 'suspect'
          })
        assert.ok(!(concludes(true) && concludes(false)))
      }),
    )
  })

  test('a stale observation counts as none', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const fresh = Object.entries(world.observations).filter(
          ([, { ageMs }]) => ageMs <= world.policy.freshMs,
        )
        const without = { ...world, observations: Object.fromEntries(fresh) }
        for (const name of names(world)) assert.deepEqual(verdictOn(name, world), verdictOn(name, without))
      }),
    )
  })

  test('a missing report never makes a region unreachable', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        for (const missing of Object.keys(world.observations)) {
          const { [missing]: _, ...rest } = world.observations
          for (const name of names(world))
            if (verdictOn(name, { ...world, observations: rest }).state === 'unreachable')
              assert.equal(verdictOn(name, world).state, 'unreachable')
        }
      }),
    )
  })
})
