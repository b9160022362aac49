import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { PurgeList, purgesKept } from '../../../src/agent/coordination/purge-list.ts'
import { type Launcher, launcher } from '../../../src/agent/supervision/launch.ts'
import { cachesOf } from '../../../src/agent/traffic/caches.ts'
import { Purges } from '../../../src/agent/traffic/purges.ts'
import { renderHaproxy } from '../../../src/engines/haproxy/render.ts'
import { locateEngineRoot } from '../../../src/engines/root/locate.ts'
import { varnishControl } from '../../../src/engines/varnish/control.ts'
import type { PurgeScope } from '../../../src/engines/varnish/purge.ts'
import { renderVarnish } from '../../../src/engines/varnish/render.ts'
import type { Logger } from '../../../src/lib/log.ts'
import { runToEnd } from '../../../src/lib/run-to-end.ts'
import { type EdgeRegion, type EdgeWorld, type EngineProcess, startEdges } from '../../support/edge.ts'
import { startEtcd, type TestEtcd } from '../../support/etcd.ts'
import type { Reply } from '../../support/requests.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'
import { contextFor, twoRegions } from '../../support/topologies.ts'

const log = { info: () => undefined, warn: () => undefined } as unknown as Logger
const isHit = (reply: Reply) => String(reply.headers['cache-status'] ?? '').includes('; hit')

/** The list is shared by all tests of this file; each world of its own has another name. */
let etcd: TestEtcd
before(async () => {
  etcd = await startEtcd(1)
  await etcd.client().enableAuth()
})
after(() => etcd?.stop())
let worlds = 0

describe('the purges of a region', () => {
  /** The region's caches, which note what they are asked to purge. */
  const agentOf = (list: PurgeList, region = 'us-east', folder = temporaryFolder('purges')) => {
    const done: PurgeScope[] = []
    const broken: { why?: string } = {}
    const purges = new Purges({
      region,
      list,
      file: join(folder, 'purged.json'),
      log,
      onApplied: () => undefined,
      caches: {
        hasFiles: (scope) => scope.kind === 'all',
        async purge(scope) {
          if (broken.why !== undefined) throw new Error(broken.why)
          done.push(scope)
        },
      },
    })
    return { purges, done, broken, folder }
  }
  let list: PurgeList
  let head: Awaited<ReturnType<PurgeList['add']>> | undefined
  beforeEach(() => {
    list = new PurgeList(etcd.client(), `purges-${++worlds}`)
    head = undefined
  })
  const add = async (scope: PurgeScope, regions?: string[]) => {
    head = await list.add({ scope, ...(regions ? { regions } : {}) })
    return head
  }
  const path = (name: string): PurgeScope => ({ kind: 'path', path: name })

  test('are applied once, in order, and only where they are meant for', async () => {
    const [east, west] = [agentOf(list, 'us-east'), agentOf(list, 'us-west')]
    await add(path('/1'))
    await add(path('/2'), ['us-west'])
    await add({ kind: 'pages' })
    for (let cycle = 0; cycle < 3; cycle++)
      for (const { purges } of [east, west]) await purges.follow({ purgeHead: head })
    assert.deepEqual(east.done, [path('/1'), { kind: 'pages' }])
    assert.deepEqual(west.done, [path('/1'), path('/2'), { kind: 'pages' }])
    for (const { purges } of [east, west]) assert.deepEqual(purges.state, { applied: 3 })
  })

  test('that a restarted agent missed are applied when it is back, and no others', async () => {
    const before = agentOf(list)
    await add(path('/before'))
    await before.purges.follow({ purgeHead: head })
    await add(path('/missed'))
    const next = agentOf(list, 'us-east', before.folder)
    assert.deepEqual(next.purges.state, { applied: 1 })
    await next.purges.follow({ purgeHead: head })
    assert.deepEqual(next.done, [path('/missed')])
  })

  test('are applied from the first on when the file of the region is damaged', async () => {
    const { folder } = agentOf(list)
    await add(path('/1'))
    for (const text of ['null', '[]', '{"number":"7"}', 'x']) {
      writeFileSync(join(folder, 'purged.json'), text)
      const { purges, done } = agentOf(list, 'us-east', folder)
      await purges.follow({ purgeHead: head })
      assert.deepEqual(done, [path('/1')], text)
    }
  })

  test('stay pending while they fail, with the reason, and hold back the later ones', async () => {
    const { purges, done, broken } = agentOf(list)
    broken.why = 'Varnish does not answer'
    await add(path('/1'))
    await add(path('/2'))
    for (let cycle = 0; cycle < 3; cycle++) await purges.follow({ purgeHead: head })
    assert.deepEqual(purges.state, { applied: 0, failing: { number: 1, why: 'Varnish does not answer' } })
    assert.deepEqual(purges.totals, { applied: 0, failed: 3 })
    delete broken.why
    await purges.follow({ purgeHead: head })
    assert.deepEqual(done, [path('/1'), path('/2')])
    assert.deepEqual(purges.state, { applied: 2 })
  })

  test('are bounded: an agent that missed more than the list holds purges everything', async () => {
    const { purges, done } = agentOf(list)
    await add(path('/first'))
    await purges.follow({ purgeHead: head })
    for (let n = 0; n <= purgesKept; n++) await add(path(`/${n}`))
    const kept = await list.after({ number: head!.number, id: 'another list' })
    assert.equal(kept, undefined)
    await purges.follow({ purgeHead: head })
    assert.deepEqual(done, [path('/first'), { kind: 'all' }])
    assert.deepEqual(purges.state, { applied: purgesKept + 2 })
  })

  describe('that are damaged', () => {
    const damage = (number: number, value?: string) => {
      const key = `/nearside/purges-${worlds}/purges/list/${String(number).padStart(12, '0')}`
      return value === undefined ? etcd.client().delete(key) : etcd.client().put(key, value)
    }
    for (const [what, value] of [
      ['not JSON', 'x'],
      ['of a kind that this version does not know', '{"number":2,"id":"x","scope":{"kind":"tag"}}'],
      ['removed', undefined],
    ] as const)
      test(`(${what}) become one of everything, once, and hold back no later one`, async () => {
        const { purges, done } = agentOf(list)
        await add(path('/1'))
        await purges.follow({ purgeHead: head })
        await add(path('/2'))
        await add(path('/3'))
        await damage(2, value)
        for (let cycle = 0; cycle < 3; cycle++) await purges.follow({ purgeHead: head })
        assert.deepEqual(done, [path('/1'), { kind: 'all' }])
        await add(path('/4'))
        for (let cycle = 0; cycle < 3; cycle++) await purges.follow({ purgeHead: head })
        assert.deepEqual(done, [path('/1'), { kind: 'all' }, path('/4')])
      })

    for (const [what, value] of [
      ['damaged', 'x'],
      ['removed', undefined],
    ] as const)
      test(`the last one ${what}: everything is purged, once`, async () => {
        const { purges, done } = agentOf(list)
        await add(path('/1'))
        await purges.follow({ purgeHead: head })
        await add(path('/2'))
        await damage(2, value)
        for (let cycle = 0; cycle < 3; cycle++) await purges.follow({ purgeHead: head })
        assert.deepEqual(done, [path('/1'), { kind: 'all' }])
      })

    test('together with the head: everything is purged, once', async () => {
      const { purges, done } = agentOf(list)
      await add(path('/1'))
      await purges.follow({ purgeHead: head })
      await add(path('/2'))
      await damage(2, 'x')
      for (let cycle = 0; cycle < 3; cycle++) await purges.follow({ purgeHead: await list.last() })
      assert.deepEqual(done, [path('/1'), { kind: 'all' }])
    })
  })

  test('that are many become one', async () => {
    const { purges, done } = agentOf(list)
    for (let n = 0; n < 20; n++) await add(path(`/${n}`))
    await purges.follow({ purgeHead: head })
    assert.deepEqual(done, [{ kind: 'pages' }])
    for (let n = 0; n < 20; n++) await add(n === 3 ? { kind: 'all' } : path(`/${n}`))
    await purges.follow({ purgeHead: head })
    for (let n = 0; n < 20; n++) await add({ kind: 'all' }, ['us-west'])
    await purges.follow({ purgeHead: head })
    assert.deepEqual(done, [{ kind: 'pages' }, { kind: 'all' }])
    assert.deepEqual(purges.state, { applied: 60 })
  })

  test('of a list that has begun again are not taken for the old ones', async () => {
    const { purges, done } = agentOf(list)
    for (let n = 0; n < 3; n++) await add(path(`/old-${n}`))
    await purges.follow({ purgeHead: head })
    // etcd was restored without the list, or with an older one.
    const forget = () => etcd.client().delete(`/nearside/purges-${worlds}/purges/`, { prefix: true })
    await forget()
    for (let cycle = 0; cycle < 2; cycle++) await purges.follow({ purgeHead: undefined })
    assert.deepEqual(done.splice(0).slice(3), [{ kind: 'all' }])
    for (let n = 0; n < 3; n++) await add(path(`/new-${n}`))
    await purges.follow({ purgeHead: head })
    assert.deepEqual(done.splice(0), [path('/new-0'), path('/new-1'), path('/new-2')])
    await forget()
    for (let n = 0; n < 3; n++) await add(path(`/newer-${n}`))
    await purges.follow({ purgeHead: head })
    assert.deepEqual(done, [{ kind: 'all' }], 'it has applied another number 3')
    assert.deepEqual(purges.state, { applied: 3 })
  })

  test('of several agents at the same moment all get into the list', async () => {
    const purges = await Promise.all(Array.from({ length: 8 }, (_, n) => list.add({ scope: path(`/${n}`) })))
    assert.deepEqual(purges.map(({ number }) => number).sort(), [1, 2, 3, 4, 5, 6, 7, 8])
    assert.equal((await list.after({ number: 0, id: '' }))?.length, 8)
  })
})

describe('two edges', () => {
  let world: EdgeWorld
  let list: PurgeList
  let head: Awaited<ReturnType<PurgeList['add']>>
  let version = 1
  const files = 'public, max-age=31536000, immutable'
  before(async () => {
    world = await startEdges({
      regions: twoRegions,
      primary: 'us-east',
      varnish: true,
      changes: { app: { static: ['/assets/*'] }, cdn: { pagesMaxSeconds: 31_536_000 } },
    })
    list = new PurgeList(etcd.client(), `edges-${++worlds}`)
    for (const app of ['us-east', 'us-west'].flatMap((name) => world.at(name).apps))
      app.handle = ({ url = '' }, response) => {
        // What Next.js sends with a page that was rendered when the app was built.
        const page = 's-maxage=31536000, stale-while-revalidate'
        response.setHeader('cache-control', url.startsWith('/assets/') ? files : page)
        response.setHeader('content-type', 'text/plain')
        response.end(`version ${version}`)
      }
  })
  after(() => world?.stop())

  const isRunning = (engine: EngineProcess) => {
    try {
      return !engine.running().hasExited()
    } catch {
      return false
    }
  }
  const agentAt = (edge: EdgeRegion) => {
    const { folder, region } = edge
    const context = contextFor(world.topology, region.name, folder)
    const [haproxy, varnish] = [renderHaproxy(context).processes[0]!, renderVarnish(context).processes[0]!]
    const engines = new Map([
      [haproxy.name, edge.haproxy],
      [varnish.name, edge.varnish],
    ])
    const reloads: string[] = []
    const { prepare } = launcher({ root: locateEngineRoot().path, folder, files: [] })
    const started = {
      recorded: ({ name }) =>
        isRunning(engines.get(name)!) ? { id: { pid: 1, startTicks: 1 }, differs: 'none' } : undefined,
      async reload({ name }) {
        reloads.push(name)
        return engines.get(name)!.reload()
      },
    } satisfies Pick<Launcher, 'recorded' | 'reload'>
    const purges = new Purges({
      region: region.name,
      list,
      file: join(folder, 'purged.json'),
      log,
      onApplied: () => undefined,
      caches: cachesOf({
        topology: world.topology,
        plan: { region: region.name, address: '', folders: [], files: [], processes: [haproxy, varnish] },
        launcher: started,
        varnish: varnishControl((command) => runToEnd(prepare('engine', command, {}), 20_000)),
        haproxy: edge.control,
      }),
    })
    return { purges, reloads }
  }
  const edges = () => ['us-east', 'us-west'].map((name) => world.at(name))
  const cached = async (edge: EdgeRegion, path: string) =>
    until(`${path} to be cached`, async () => isHit(await edge.ask(path)))
  const served = async (path: string) => {
    const replies = await Promise.all(edges().map((edge) => edge.ask(path)))
    return replies.map(({ body }) => body)
  }
  const both = (text: string) => [text, text]

  test('lose the pages of an old release when its purge arrives, though these say that they are fresh for a year', async () => {
    for (const edge of edges()) {
      await cached(edge, '/')
      await cached(edge, '/assets/app.js')
    }
    version = 2
    assert.deepEqual(await served('/'), both('version 1'))
    head = await list.add({ scope: { kind: 'pages' } })
    for (const edge of edges()) {
      const { purges, reloads } = agentAt(edge)
      await purges.follow({ purgeHead: head })
      assert.deepEqual(purges.state, { applied: 1 })
      assert.deepEqual(reloads, [], 'pages are not in HAProxy’s memory')
    }
    assert.deepEqual(await served('/'), both('version 2'))
    assert.deepEqual(await served('/assets/app.js'), both('version 1'))
  })

  test('empty HAProxy’s memory of immutable files too, without failing a request', async () => {
    for (const edge of edges()) await cached(edge, '/assets/app.js')
    version = 3
    for (const path of ['/assets/app.js', '/assets/*', '/*', undefined]) {
      const before = version
      for (const edge of edges()) await cached(edge, '/assets/app.js')
      version += 1
      const scope: PurgeScope = path === undefined ? { kind: 'all' } : { kind: 'path', path }
      head = await list.add({ scope })
      let isOver = false
      const traffic = (async () => {
        const statuses: number[] = []
        while (!isOver) statuses.push((await world.at('us-east').ask('/assets/app.js')).status)
        return statuses
      })()
      for (const edge of edges()) await agentAt(edge).purges.follow({ purgeHead: head })
      isOver = true
      const statuses = await traffic
      assert.deepEqual(
        statuses.filter((status) => status !== 200),
        [],
      )
      assert.deepEqual(await served('/assets/app.js'), both(`version ${before + 1}`), path)
    }
  })

  test('that were cut off, and whose Varnish was down, purge when they are back', async () => {
    const west = world.at('us-west')
    const agent = agentAt(west)
    await agent.purges.follow({ purgeHead: head })
    for (const edge of edges()) await cached(edge, '/missed')
    version += 1
    head = await list.add({ scope: { kind: 'path', path: '/missed' } })
    await agentAt(world.at('us-east')).purges.follow({ purgeHead: head })
    assert.deepEqual(await served('/missed'), [`version ${version}`, `version ${version - 1}`])
    await agent.purges.follow({ purgeHead: head })
    assert.deepEqual(await served('/missed'), both(`version ${version}`))

    await west.varnish.kill()
    head = await list.add({ scope: { kind: 'pages' } })
    await agent.purges.follow({ purgeHead: head })
    assert.deepEqual(
      agent.purges.state,
      { applied: head.number },
      'nothing is left in a Varnish that is gone',
    )
    await west.varnish.start()
    rmSync(join(west.folder, 'purged.json'))
  })
})
