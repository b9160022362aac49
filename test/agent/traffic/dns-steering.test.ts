import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Snapshot } from '../../../src/agent/coordination/snapshot.ts'
import { DnsSteering } from '../../../src/agent/traffic/dns-steering.ts'
import type { AgentBase } from '../../../src/agent/types.ts'
import type { KnotControl } from '../../../src/engines/knot/control.ts'
import type { KnotMap } from '../../../src/engines/knot/map.ts'
import { markOf } from '../../../src/engines/knot/map-file.ts'
import type { RegionHealth } from '../../../src/failover/types.ts'
import { knotTopology, startKnot } from '../../support/knot.ts'
import { writeMmdb } from '../../support/mmdb.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from '../../support/topologies.ts'

const newYork = { latitude: 40.7, longitude: -74.5 }
const losAngeles = { latitude: 34, longitude: -118 }
const places = writeMmdb([
  ['9.0.0.0/8', newYork],
  ['17.0.0.0/8', losAngeles],
])
/** Both networks have moved. */
const otherPlaces = writeMmdb([
  ['9.0.0.0/8', losAngeles],
  ['17.0.0.0/8', newYork],
])

/** Written a minute ago, so it is not taken for one that is still being copied. */
function writeGeoip(file: string, bytes: Uint8Array | string): void {
  writeFileSync(file, bytes)
  const then = Date.now() / 1000 - 60
  utimesSync(file, then, then)
}

type State = { agreed: string | undefined; modRevision: number; reports: Snapshot['reports'] }

/** Agents of two regions on one machine, each with a Knot that answers whatever it was last given. */
function world(geoip: Uint8Array | string = places) {
  const folder = temporaryFolder('dns-steering')
  if (geoip !== 'none') writeGeoip(join(folder, 'city.mmdb'), geoip)
  const topology = topologyOf(twoRegions, { steering: { geoip: ['city.mmdb'], rampSeconds: 30 } })
  const state: State = { agreed: undefined, modRevision: 0, reports: {} }
  const health: Record<string, { state: RegionHealth; first?: true }> = {}
  const running = new Set<DnsSteering>()
  after(() => Promise.all([...running].map((one) => one.stop())))

  const snapshot = (): Snapshot =>
    ({
      reports: state.reports,
      health: Object.fromEntries(
        Object.entries(health).map(([name, one]) => [name, { ...one, revision: one.state, sinceMs: 60_000 }]),
      ),
      table: { revision: state.agreed, modRevision: String(state.modRevision), sinceMs: 0 },
    }) as unknown as Snapshot

  const region = (name: string, options: { control?: KnotControl; cacheFolder?: string } = {}) => {
    const own = join(folder, name)
    mkdirSync(join(own, 'data', 'knot'), { recursive: true })
    const knot = fakeKnot()
    const errors: unknown[] = []
    const make = () => {
      const steering = new DnsSteering(
        {
          context: { ...contextFor(topology, name), folder: own },
          record: { topologyFile: join(folder, 'nearside.yaml') },
          store: {
            agreeTable: async (revision: string, before: string) => {
              if (before !== String(state.modRevision)) return false
              Object.assign(state, { agreed: revision, modRevision: state.modRevision + 1 })
              return true
            },
          },
          log: {
            info: () => undefined,
            warn: () => undefined,
            error: (...all: unknown[]) => errors.push(all),
          },
          stopping: false,
        } as unknown as AgentBase,
        {
          control: options.control ?? knot,
          cacheFolder: options.cacheFolder ?? join(folder, 'cache'),
          lookEveryMs: 200,
        },
      )
      running.add(steering)
      steering.start()
      return steering
    }
    let steering = make()
    return {
      knot,
      errors,
      own,
      get steering() {
        return steering
      },
      /** One coordination cycle. */
      async cycle() {
        Object.assign(state.reports, { [name]: { region: name, ageMs: 0, tables: steering.report } })
        steering.update(snapshot())
        await steering.agree(snapshot())
      },
      async stop() {
        await steering.stop()
        running.delete(steering)
        delete state.reports[name]
      },
      restart() {
        steering = make()
      },
    }
  }
  return { folder, topology, state, health, region, geoip: join(folder, 'city.mmdb') }
}

const east = '127.77.1.1'
const west = '127.77.2.1'

type FakeKnot = KnotControl & { answers: string; refuses: (map: KnotMap) => boolean; applied: number }

function fakeKnot(): FakeKnot {
  let mark: string | undefined
  const knot: FakeKnot = {
    answers: 'initial',
    applied: 0,
    refuses: () => false,
    liveMark: async () => mark,
    async apply(map) {
      if (knot.refuses(map)) return { kind: 'refused', stage: 'check', detail: 'no space', restored: true }
      mark = markOf(map)
      const nets = [...map.nets()]
      const of = (network: number) => {
        const net = nets.findLast(({ family, high }) => family === 4 && high <= network * 2 ** 24)!
        return map.answers[net.value]!.join()
      }
      knot.answers = `${of(9)} ${of(17)}`
      knot.applied += 1
      return { kind: 'applied', mark }
    },
  }
  return knot
}

type Region = ReturnType<ReturnType<typeof world>['region']>
const answers = (wanted: string, ...regions: Region[]) =>
  until(
    `answers ${wanted}, not ${regions.map(({ knot }) => knot.answers)}`,
    async () => {
      for (const one of regions) await one.cycle()
      return regions.every(({ knot }) => knot.answers === wanted)
    },
    10_000,
  )

describe('health is applied', () => {
  for (const [what, geoip] of [
    ['damaged', 'no database'],
    ['missing', 'none'],
    ['empty', ''],
    ['cut off in the middle', places.subarray(0, places.length / 2)],
  ] as const)
    test(`with a database that is ${what} at the first start: nobody gets the lost region, and status says why`, async () => {
      const { region, health } = world(geoip)
      const one = region('us-east')
      health['us-east'] = { state: 'unreachable' }
      await answers(`${west} ${west}`, one)
      await until('the problem', async () => one.steering.state.problem !== undefined)
      const { kind, table, problem, wanted } = one.steering.state
      assert.deepEqual(
        { kind, table, wanted },
        { kind: 'answering', table: { kind: 'uniform' }, wanted: undefined },
      )
      assert.match(problem!.code, /^geoip_/)
      assert.match(problem!.why, /city\.mmdb/)
      assert.ok(problem!.remedy)
      assert.ok(Date.now() - problem!.sinceMs < 60_000)
      health['us-east'] = { state: 'healthy', first: true }
      await answers(`${east} ${east}`, one)
    })

  test('before the table is computed', async () => {
    const { region, health, folder } = world()
    mkdirSync(join(folder, 'cache'), { recursive: true })
    // Another process has been computing for as long as this test takes.
    const { buildOnce } = await import('../../../src/steering/build-lock.ts')
    const end = Promise.withResolvers<void>()
    const holding = buildOnce(
      join(folder, 'cache', 'build.lock'),
      async () => false,
      () => end.promise,
    )
    const one = region('us-east')
    health['us-east'] = { state: 'unreachable' }
    await answers(`${west} ${west}`, one)
    assert.deepEqual(one.steering.state.table, { kind: 'uniform' })
    await until('the progress of the other process', async () => one.steering.state.percent === 0)
    end.resolve()
    await holding
    delete health['us-east']
    await answers(`${east} ${west}`, one)
  })

  for (const [what, damage] of [
    ['damaged', (file: string) => writeGeoip(file, 'no database')],
    ['deleted', (file: string) => rmSync(file)],
  ] as const)
    test(`by the last good table, when the database was ${what} and the agent restarted, even without the cache`, async () => {
      const { region, health, geoip, folder } = world()
      const one = region('us-east')
      await answers(`${east} ${west}`, one)
      await until('the table to be kept', async () => readdirSync(join(one.own, 'data', 'knot')).length === 1)
      await one.stop()
      damage(geoip)
      rmSync(join(folder, 'cache'), { recursive: true })
      one.restart()
      health['us-west'] = { state: 'unreachable' }
      await answers(`${east} ${east}`, one)
      await until('the problem', async () => one.steering.state.problem !== undefined)
      delete health['us-west']
      await answers(`${east} ${west}`, one)
      assert.equal(one.steering.state.table?.kind, 'agreed')
    })

  test('by the uniform table when Knot refuses the other', async () => {
    const { region, health } = world()
    const one = region('us-east')
    await answers(`${east} ${west}`, one)
    let refusals = 1
    one.knot.refuses = () => refusals-- > 0
    health['us-west'] = { state: 'unreachable' }
    await answers(`${east} ${east}`, one)
    health['us-west'] = { state: 'unhealthy' }
    health['us-east'] = { state: 'unhealthy' }
    await answers(`${east} ${east}`, one)
    const { kind, table } = one.steering.state
    assert.deepEqual({ kind, table }, { kind: 'failed', table: { kind: 'uniform' } })
  })

  test('with a cache folder that cannot be used: the region computes its table in its own', async () => {
    const { region, folder } = world()
    writeFileSync(join(folder, 'not-a-folder'), '')
    const one = region('us-east', { cacheFolder: join(folder, 'not-a-folder') })
    await answers(`${east} ${west}`, one)
    assert.equal(one.steering.state.problem, undefined)
  })

  test('with a damaged table in the cache and in the region’s folder', async () => {
    const { region, folder, health } = world()
    const one = region('us-east')
    await answers(`${east} ${west}`, one)
    await until('the table to be kept', async () => readdirSync(join(one.own, 'data', 'knot')).length === 1)
    await one.stop()
    for (const at of [join(folder, 'cache'), join(one.own, 'data', 'knot')])
      for (const name of readdirSync(at))
        writeFileSync(join(at, name), readFileSync(join(at, name)).fill(0, 60))
    one.restart()
    health['us-west'] = { state: 'unreachable' }
    await answers(`${east} ${east}`, one)
    delete health['us-west']
    await answers(`${east} ${west}`, one)
  })

  test('to nothing before the first snapshot: Knot keeps the map in which lost regions are missing', async () => {
    const { region } = world()
    const one = region('us-east')
    await until('the table', async () => one.steering.state.wanted !== undefined)
    assert.equal(one.knot.applied, 0)
    assert.equal(one.steering.state.kind, 'building')
  })
})

describe('a new database', () => {
  test('is noticed, and no region uses it before all of them hold it', async () => {
    const { region, geoip, state } = world()
    const regions = [region('us-east'), region('us-west')]
    const [first, second] = regions as [Region, Region]
    await answers(`${east} ${west}`, first, second)
    const before = state.agreed
    writeGeoip(geoip, otherPlaces)
    // The agent of the west does not report any more; the region itself is fine.
    delete state.reports['us-west']
    await until(
      'the east to hold it',
      async () => {
        await first.cycle()
        return first.steering.state.wanted !== before
      },
      60_000,
    )
    for (let cycle = 0; cycle < 5; cycle++) await first.cycle()
    assert.equal(state.agreed, before)
    assert.equal(first.knot.answers, `${east} ${west}`)
    await answers(`${west} ${east}`, first, second)
    assert.notEqual(state.agreed, before)
  })

  test('does not make an agent that restarts contradict the others', async () => {
    const { region, geoip, state } = world()
    const [first, second] = [region('us-east'), region('us-west')]
    await answers(`${east} ${west}`, first, second)
    const before = state.agreed
    await first.stop()
    writeGeoip(geoip, otherPlaces)
    first.restart()
    await until('the east to hold it', async () => {
      await first.cycle()
      return first.steering.state.wanted !== undefined
    })
    assert.equal(first.knot.answers, `${east} ${west}`)
    assert.deepEqual(first.steering.state.table, { kind: 'agreed', revision: before })
    await answers(`${west} ${east}`, first, second)
  })

  test('is used by a region that joins later', async () => {
    const { region, state } = world()
    const first = region('us-east')
    await answers(`${east} ${west}`, first)
    const second = region('us-west')
    await answers(`${east} ${west}`, second)
    assert.deepEqual(second.steering.state.table, { kind: 'agreed', revision: state.agreed })
  })
})

test('a real Knot leaves a lost region out although the database is damaged', async () => {
  const folder = temporaryFolder('dns-steering')
  writeGeoip(join(folder, 'city.mmdb'), 'no database')
  const topology = await knotTopology({ steering: { geoip: [join(folder, 'city.mmdb')] } })
  const knot = await startKnot(topology)
  const steering = new DnsSteering(
    {
      context: { ...contextFor(topology, 'us-east'), folder: knot.folder },
      record: { topologyFile: join(folder, 'nearside.yaml') },
      store: {},
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      stopping: false,
    } as unknown as AgentBase,
    { control: knot.control, cacheFolder: join(folder, 'cache') },
  )
  try {
    steering.start()
    steering.update({
      health: { 'us-east': { state: 'unreachable', revision: '1', sinceMs: 0 } },
      table: { revision: undefined, modRevision: '0', sinceMs: 0 },
    } as unknown as Snapshot)
    const only = `${topology.network.base}.2.1 /`
    await until('the west alone', async () => (await knot.answer('9.9.9.0/24')).startsWith(only))
    assert.ok((await knot.answer('2600::/24')).startsWith(only))
  } finally {
    await steering.stop()
    await knot.stop()
  }
})
