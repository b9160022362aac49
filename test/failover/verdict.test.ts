import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { DecisionInput, View } from '../../src/failover/types.ts'
import { defaultPolicy, healthAfter, verdictOn } from '../../src/failover/verdict.ts'
import { anyWorld, edge, policy, threeRegions, worldWith } from './worlds.ts'

const us = (state: string, by: string[]) => ({ region: 'us-east', state, by, needed: 2 })

describe('a region is lost', () => {
  test('when both others have had no answer for suspectMs', () => {
    const world = worldWith({
      'us-west': { 'us-east': { dead: 2000 } },
      'us-central': { 'us-east': { dead: 2000 } },
    })
    assert.deepEqual(verdictOn('us-east', world), us('unreachable', ['us-west', 'us-central']))
  })

  test('not while one of them has waited a moment less', () => {
    const world = worldWith({
      'us-west': { 'us-east': { dead: 60_000 } },
      'us-central': { 'us-east': { dead: 1999 } },
    })
    assert.deepEqual(verdictOn('us-east', world), us('suspect', ['us-west', 'us-central']))
  })

  test('not when one of two others cannot be heard, however long the other has waited', () => {
    const world = worldWith({ 'us-west': { 'us-east': { dead: 60_000 } } })
    assert.equal(verdictOn('us-east', world).state, 'suspect')
  })

  test('not by what it says of itself, and not by what an old observation says', () => {
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
    const pulse: View = { edge: dead, app: dead, patroni: dead, etcd: { ok: true, forMs: 10 } }
    const world = worldWith({ 'us-west': { 'us-east': pulse }, 'us-central': { 'us-east': { dead: 9000 } } })
    assert.equal(verdictOn('us-east', world).state, 'suspect')
  })

  test('not by edge regions: they take users and have no vote', () => {
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

  test('an edge region, when a majority of the voting ones misses it', () => {
    const world = worldWith(
      { 'us-east': { 'sa-east': { dead: 2000 } }, 'us-central': { 'sa-east': { dead: 2000 } } },
      { regions: [...threeRegions, edge('sa-east')] },
    )
    assert.equal(verdictOn('sa-east', world).state, 'unreachable')
  })

  test('never, by a vantage that has not asked it yet', () => {
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

  test('when a majority sees it answer but not serve users', () => {
    const world = worldWith({ 'us-west': { 'us-east': noApp }, 'us-central': { 'us-east': noApp } })
    assert.deepEqual(verdictOn('us-east', world), us('unhealthy', ['us-west', 'us-central']))
  })

  test('not because its database or etcd does not answer: users are served', () => {
    const noData: View = { ...noApp, app: { ok: true, forMs: 60_000 }, patroni: { ok: false, forMs: 60_000 } }
    const world = worldWith({ 'us-west': { 'us-east': noData }, 'us-central': { 'us-east': noData } })
    assert.equal(verdictOn('us-east', world).state, 'healthy')
  })

  test('not when one sees no app and the other sees nothing: they do not agree on what is wrong', () => {
    const world = worldWith({ 'us-west': { 'us-east': noApp }, 'us-central': { 'us-east': { dead: 9000 } } })
    assert.deepEqual(verdictOn('us-east', world), us('suspect', ['us-central']))
  })
})

describe('a region that alone has no way to the primary', () => {
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

  test('is unhealthy, once a primary that is lost would have been called lost', () => {
    assert.deepEqual(verdictOn('us-west', cutOff(policy.recoverMs)), {
      region: 'us-west',
      state: 'unhealthy',
      by: ['us-east', 'us-central'],
      needed: 2,
      why: 'no way to the primary',
    })
    assert.notEqual(verdictOn('us-west', cutOff(policy.recoverMs - 1)).state, 'unhealthy')
  })

  test('the primary’s own region is not, nor the witness', () => {
    assert.equal(verdictOn('us-east', cutOff(60_000)).state, 'healthy')
    assert.equal(verdictOn('us-central', cutOff(60_000)).state, 'healthy')
  })

  test('is not healthy again before the way has been there for recoverMs, and then it is', () => {
    const mended = (aliveMs: number) =>
      worldWith({
        'us-east': { 'us-west': fine },
        'us-west': { 'us-east': { alive: aliveMs } },
        'us-central': { 'us-east': fine, 'us-west': fine },
      })
    assert.equal(verdictOn('us-west', mended(policy.recoverMs - 1)).state, 'alive')
    assert.equal(verdictOn('us-west', mended(policy.recoverMs)).state, 'healthy')
  })

  test('stays what it was when there is no primary at all, or nobody else reaches one', () => {
    assert.equal(verdictOn('us-west', cutOff(60_000, { leader: undefined })).state, 'healthy')
    const leader = { region: 'us-west', lease: '71', modRevision: '9' }
    assert.equal(verdictOn('us-west', cutOff(60_000, { leader })).state, 'healthy')
    const nobody = worldWith({
      'us-west': { 'us-east': { dead: 60_000 } },
      'us-central': { 'us-east': { dead: 1999 }, 'us-west': fine },
      'us-east': {},
    })
    assert.equal(verdictOn('us-west', nobody).state, 'healthy')
  })

  test('by its own fresh word only: an agent that is silent accuses nobody', () => {
    assert.equal(
      verdictOn('us-west', cutOff(60_000, { ageMs: { 'us-west': policy.freshMs + 1 } })).state,
      'suspect',
    )
    assert.notEqual(
      verdictOn('us-west', cutOff(60_000, { ageMs: { 'us-east': policy.freshMs + 1 } })).state,
      'unhealthy',
    )
  })

  test('an edge region says so, too: its writes go the same way', () => {
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

  test('when one other has seen it serve for recoverMs and it can publish itself', () => {
    assert.deepEqual(verdictOn('us-east', back(policy.recoverMs)), us('healthy', ['us-west', 'us-east']))
  })

  test('not sooner, and recovering takes longer than being lost', () => {
    assert.equal(verdictOn('us-east', back(policy.recoverMs - 1)).state, 'suspect')
    assert.ok(policy.recoverMs > policy.suspectMs)
  })

  test('counted from when the last thing that users need came back', () => {
    const view = (appMs: number): View => ({
      edge: { ok: true, forMs: 60_000 },
      app: { ok: true, forMs: appMs },
    })
    const after = (appMs: number) =>
      verdictOn('us-east', worldWith({ 'us-east': {}, 'us-west': { 'us-east': view(appMs) } })).state
    assert.equal(after(policy.recoverMs - 1), 'alive')
    assert.equal(after(policy.recoverMs), 'healthy')
  })

  test('not by its own word alone', () => {
    assert.equal(verdictOn('us-east', worldWith({ 'us-east': {} })).state, 'alive')
    const alone = worldWith({ 'us-east': {} }, { regions: threeRegions.slice(0, 1) })
    assert.equal(verdictOn('us-east', alone).state, 'alive')
  })
})

test('what was agreed stands while there is no majority for anything else', () => {
  for (const state of ['alive', 'suspect'] as const)
    for (const was of ['healthy', 'unhealthy', 'unreachable'] as const)
      assert.equal(healthAfter({ region: 'us-east', state, by: [], needed: 2 }, was), undefined)
})

test('an observation counts for a few probes, and 3 s at least: agents are busy when a region dies', () => {
  assert.equal(defaultPolicy({ suspectMs: 500, probeMs: 100, automatic: true }).freshMs, 3000)
  assert.equal(defaultPolicy({ suspectMs: 500, probeMs: 2000, automatic: true }).freshMs, 8000)
})

describe('for any world', () => {
  const names = (world: DecisionInput) => world.regions.map(({ name }) => name)

  test('every conclusion has a majority of all voting regions behind it, each with a fresh observation', () => {
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

  test('lost means that nothing at all has answered any of these vantages for suspectMs', () => {
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

  test('the two halves of a parted world never both come to a conclusion', () => {
    fc.assert(
      fc.property(anyWorld, fc.infiniteStream(fc.boolean()), (world, sides) => {
        const side = new Map(names(world).map((name) => [name, sides.next().value as boolean]))
        const heard = (by: boolean): DecisionInput => ({
          ...world,
          observations: Object.fromEntries(
            Object.entries(world.observations).filter(([vantage]) => side.get(vantage) === by),
          ),
        })
        const concludes = (by: boolean) =>
          names(world).some((name) => {
            const { state } = verdictOn(name, heard(by))
            return state !== 'alive' && state !== 'suspect'
          })
        assert.ok(!(concludes(true) && concludes(false)))
      }),
    )
  })

  test('a stale observation is as good as none', () => {
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

  test('silence never condemns: without one of the vantages, nothing is lost that was not', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        for (const silent of Object.keys(world.observations)) {
          const { [silent]: _, ...rest } = world.observations
          for (const name of names(world))
            if (verdictOn(name, { ...world, observations: rest }).state === 'unreachable')
              assert.equal(verdictOn(name, world).state, 'unreachable')
        }
      }),
    )
  })
})
