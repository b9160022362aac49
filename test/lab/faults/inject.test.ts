import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeOptions } from '../../../src/lab/faults/app-control.ts'
import { databaseDisk, fillDisk } from '../../../src/lab/faults/fill-disk.ts'
import { guard } from '../../../src/lab/faults/guard.ts'
import { dropFaults, healLeft } from '../../../src/lab/faults/heal-left.ts'
import { inject } from '../../../src/lab/faults/inject.ts'
import { graceMs, isLeft, readRecords, writeRecord } from '../../../src/lab/faults/record.ts'
import { mountSmallDisk, unmountSmallDisks } from '../../../src/lab/faults/small-disk.ts'
import type { FaultTarget } from '../../../src/lab/faults/target.ts'
import type { Link } from '../../../src/lab/wan/index.ts'
import { identify, isAlive, isStopped } from '../../../src/lib/proc.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'
import { parse, regions } from './samples.ts'

/** A small disk needs root and permission to mount. */
const smallDisksMissing =
  process.getuid?.() !== 0
    ? 'a small disk needs root'
    : spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status !== 0 &&
      'nothing may be mounted here'

suite('faults of processes', () => {
  let folder: string
  let children: Map<string, ChildProcess>
  let started: string[]
  const pidOf = (name: string) => children.get(name)!.pid!
  const idOf = (name: string) => identify(pidOf(name))!

  beforeEach(() => {
    folder = temporaryFolder('nearside-faults')
    children = new Map()
    started = []
    for (const name of ['us-east/agent', 'us-east/etcd', 'us-east/app-0', 'us-west/etcd', 'us-west/app-0'])
      children.set(name, spawn('sleep', ['1000'], { stdio: 'ignore' }))
  })
  afterEach(() => {
    for (const child of children.values()) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  const target = (): FaultTarget => ({
    folder,
    regions,
    processes: (names) =>
      [...children].flatMap(([key, { pid }]) => {
        const [region = '', name = ''] = key.split('/')
        const id = identify(pid!)
        return id && names.includes(region)
          ? [{ ...id, region, name, main: true, program: 'sleep', parent: process.pid }]
          : []
      }),
    regionFolder: (region) => join(folder, region),
    killRegion: async () => undefined,
    startRegion: async (region) => void started.push(region),
    restartProcess: async () => undefined,
    restartRegion: async () => undefined,
    postmaster: () => undefined,
    holdReplay: async () => async () => undefined,
    resumeReplay: async () => undefined,
    links: undefined,
  })

  test('pausing or killing the postmaster affects only it; it resumes when no fault holds it', async () => {
    for (const name of ['us-east/postgres', 'us-east/postgres#helper'])
      children.set(name, spawn('sleep', ['1000'], { stdio: 'ignore' }))
    const here = target()
    const processes = (names: readonly string[]) =>
      here.processes(names).map((one) => ({ ...one, name: one.name.replace('#helper', '') }))
    const postmaster = () => idOf('us-east/postgres')
    const withDatabase = { ...here, processes, postmaster }
    const first = await inject(withDatabase, parse('pause-process', ['us-east', 'postmaster']))
    assert.ok(isStopped(postmaster()) && !isStopped(idOf('us-east/postgres#helper')))
    const all = await inject(withDatabase, parse('pause-process', ['us-east', 'postgres']))
    await all.heal()
    assert.ok(isStopped(postmaster()) && !isStopped(idOf('us-east/postgres#helper')))
    await first.heal()
    assert.ok(!isStopped(postmaster()))
    await inject(withDatabase, parse('kill-process', ['us-east', 'postmaster']))
    assert.ok(!identify(pidOf('us-east/postgres')) && isAlive(idOf('us-east/postgres#helper')))
  })

  test('a paused region stays paused for its time, with a record on disk', async () => {
    const { heal } = await inject(target(), parse('pause-region', ['us-east']))
    assert.ok(['us-east/agent', 'us-east/etcd', 'us-east/app-0'].every((name) => isStopped(idOf(name))))
    assert.ok(!isStopped(idOf('us-west/etcd')))
    assert.equal(readRecords(folder).length, 1)
    await heal()
    await heal()
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
    assert.deepEqual(readRecords(folder), [])
  })

  test('healing one fault leaves the effects of another', async () => {
    const region = await inject(target(), parse('pause-region', ['us-east']))
    const quorum = await inject(target(), parse('etcd-quorum', [], { members: 'us-east,us-west' }))
    await region.heal()
    assert.ok(isStopped(idOf('us-east/etcd')) && isStopped(idOf('us-west/etcd')))
    assert.ok(!isStopped(idOf('us-east/app-0')))
    await quorum.heal()
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
  })

  test('two faults healed at the same time leave no shared effect behind', async () => {
    const now = new Map<string, Link>()
    const put = (link: Link) => now.set(`${link.from}>${link.to}`, link)
    const params = { delayMs: 12, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    put({ from: 'us-east', to: 'us-west', params })
    const links = {
      now: async () => [...now.values()],
      set: async (changed: readonly Link[]) => {
        await sleep(changed.some(({ params }) => params.cut) ? 30 : 0)
        changed.forEach(put)
      },
    }
    const shaped = { ...target(), links }
    const faults = [
      parse('pause-region', ['us-east']),
      parse('etcd-quorum', [], { members: 'us-east,us-west' }),
      parse('kill-region', ['us-west']),
      parse('kill-region', ['us-west']),
      parse('cut', ['us-east'], { from: 'us-west' }),
      parse('slow-link', ['us-east', 'us-west'], { delay: '50ms' }),
    ]
    const injected = []
    for (const fault of faults) injected.push(await inject(shaped, fault))
    await Promise.all(injected.map(({ heal }) => heal()))
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
    assert.ok(started.includes('us-west'))
    assert.deepEqual([...now.values()], [{ from: 'us-east', to: 'us-west', params }])
    assert.deepEqual(readRecords(folder), [])
  })

  test('a fault injected while another one is being healed stays active', async () => {
    const params = { delayMs: 12, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    let link: Link = { from: 'us-east', to: 'us-west', params }
    const healing = Promise.withResolvers<void>()
    const telling = Promise.withResolvers<void>()
    const links = {
      now: async () => [link],
      set: async ([changed]: readonly Link[]) => {
        // The first healing writes last.
        if (!changed!.params.cut && link.params.delayMs > 12) {
          healing.resolve()
          await telling.promise
        }
        link = changed!
      },
    }
    const shaped = { ...target(), links }
    const slow = await inject(shaped, parse('slow-link', ['us-east', 'us-west'], { delay: '50ms' }))
    const healed = slow.heal()
    await healing.promise
    const cut = await inject(shaped, parse('cut', ['us-east'], { from: 'us-west' }))
    telling.resolve()
    await healed
    assert.deepEqual(link.params, { ...params, cut: true })
    await cut.heal()
    assert.deepEqual(link.params, params)
  })

  test('a process is killed; a fault on a missing process leaves no record', async () => {
    const { heal } = await inject(target(), parse('kill-process', ['us-west', 'app-0']))
    assert.ok(!identify(pidOf('us-west/app-0')))
    await heal()
    await assert.rejects(
      inject(target(), parse('kill-process', ['us-west', 'postgres'])),
      /no such process is running/,
    )
    assert.deepEqual(readRecords(folder), [])
  })

  test('healing restarts a killed region, but not while another fault keeps it down', async () => {
    const first = await inject(target(), parse('kill-region', ['us-west']))
    const second = await inject(target(), parse('kill-region', ['us-west']))
    await first.heal()
    assert.deepEqual(started, [])
    await second.heal()
    assert.deepEqual(started, ['us-west'])
  })

  test('failed healing keeps the record and can be retried', async () => {
    let refused = true
    const startRegion = async (region: string) => {
      if (refused) throw new Error('not now')
      started.push(region)
    }
    const { heal } = await inject({ ...target(), startRegion }, parse('kill-region', ['us-west']))
    await assert.rejects(heal(), /not now/)
    assert.equal(readRecords(folder).length, 1)
    refused = false
    await heal()
    assert.deepEqual([started, readRecords(folder)], [['us-west'], []])
  })

  test('a fault is healed from its record once its command has exited, and not before', async () => {
    await inject(target(), parse('pause-process', ['us-west', 'etcd']))
    assert.deepEqual(await healLeft(target()), [])
    const [record] = readRecords(folder)
    writeFileSync(
      join(folder, 'faults', `${record!.id}.json`),
      JSON.stringify({ ...record, owner: { pid: record!.owner.pid, startTicks: 1 } }),
    )
    assert.deepEqual(await healLeft(target()), [{ fault: record!.fault }])
    assert.ok(!isStopped(idOf('us-west/etcd')))
    assert.deepEqual(readRecords(folder), [])
  })

  test('a fault that is long overdue counts as left, even if its owner is alive', async () => {
    const record = await writeRecord(folder, parse('pause-process', ['us-west', 'etcd'], { for: '1s' }), {
      now: 1_000,
    })
    assert.ok(!isLeft(record, 2_000 + graceMs))
    assert.ok(isLeft(record, 2_001 + graceMs))
    assert.ok(isLeft(record, 1_500, () => false))
  })

  test('before a world stops, paused processes resume, and killed regions stay down', async () => {
    const paused = await inject(target(), parse('pause-region', ['us-east']))
    const killed = await inject(target(), parse('kill-region', ['us-west']))
    await dropFaults(target())
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
    assert.deepEqual(readRecords(folder), [])
    // The injecting command has nothing left to heal, so it does not start a stopped world.
    await Promise.all([paused.heal(), killed.heal()])
    assert.deepEqual(started, [])
  })

  test('a guard heals its owner’s faults once it ends and overdue ones, but no others', async () => {
    const released = Promise.withResolvers<void>()
    const me = identify(process.pid)!
    await inject(target(), parse('pause-process', ['us-west', 'etcd'], { for: '20s' }))
    await inject(target(), parse('pause-process', ['us-east', 'app-0']))
    const [first, second] = readRecords(folder)
    const change = (record: typeof first, more: object) =>
      writeFileSync(join(folder, 'faults', `${record!.id}.json`), JSON.stringify({ ...record, ...more }))
    change(second, { owner: { ...me, startTicks: me.startTicks - 1 } })
    const healed = guard(target(), me, released.promise)
    await sleep(600)
    assert.ok(isStopped(idOf('us-west/etcd')))
    change(first, { until: Date.now() - graceMs - 1 })
    await until('the overdue one to be healed', () => !isStopped(idOf('us-west/etcd')))
    await inject(target(), parse('pause-process', ['us-west', 'app-0']))
    released.resolve()
    assert.equal((await healed).length, 2)
    assert.ok(!isStopped(idOf('us-west/app-0')))
    assert.ok(isStopped(idOf('us-east/app-0')), 'it belongs to another command')
  })

  test('links return to the operator’s settings once every fault on them is healed, in any order', async () => {
    const params = { delayMs: 12, jitterMs: 3, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    const now = new Map<string, Link>()
    const put = (link: Link) => now.set(`${link.from}>${link.to}`, link)
    for (const from of ['us-east', 'us-west', 'city:0'])
      for (const to of ['us-east', 'us-west']) if (from !== to) put({ from, to, params })
    const whole = [...now.values()]
    const shaped = {
      ...target(),
      links: {
        now: async () => [...now.values()],
        set: async (links: readonly Link[]) => links.forEach(put),
      },
    }
    const isCut = (link: string) => now.get(link)!.params.cut
    const slow = await inject(shaped, parse('slow-link', ['us-east', 'us-west'], { delay: '50ms' }))
    const cut = await inject(shaped, parse('cut', ['us-west'], { from: 'us-east,users' }))
    assert.ok(isCut('us-east>us-west') && isCut('city:0>us-west') && !isCut('city:0>us-east'))
    await slow.heal()
    assert.deepEqual(now.get('us-east>us-west')!.params, { ...params, cut: true })
    await cut.heal()
    assert.deepEqual([...now.values()], whole)
  })

  test('a fault on missing links is refused', async () => {
    const params = { delayMs: 12, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    const links = {
      now: async () => [{ from: 'us-east', to: 'us-west', params }],
      set: async () => assert.fail('must not change links'),
    }
    for (const fault of [
      parse('cut', ['us-east'], { from: 'users' }),
      parse('slow-link', ['us-east', 'users'], { delay: '50ms' }),
      parse('lossy-link', ['us-west', 'us-central']),
    ])
      await assert.rejects(inject({ ...target(), links }, fault), {
        code: 'fault_no_links',
        message: /no such link exists/,
      })
    assert.deepEqual(readRecords(folder), [])
  })

  test('a fault that needs a network is refused without one, and leaves no record', async () => {
    await assert.rejects(inject(target(), parse('cut', ['us-east'])), /no network to change/)
    assert.deepEqual(readRecords(folder), [])
  })

  test('an app without the preload cannot be made to answer 500', async () => {
    await assert.rejects(
      inject(target(), parse('app-500', ['us-east'])),
      /runs without the preload that this fault needs/,
    )
  })

  test('a full disk that another process heals is freed and not filled again', {
    skip: smallDisksMissing,
  }, async () => {
    const regionFolder = join(folder, 'us-east')
    mkdirSync(regionFolder)
    await mountSmallDisk(regionFolder, 1024 * 1024)
    const disk = join(regionFolder, databaseDisk)
    const freeBlocks = () => statfsSync(disk).bfree
    try {
      const { heal } = await inject(target(), parse('disk-full', ['us-east']))
      assert.equal(freeBlocks(), 0)
      await dropFaults(target())
      // Several refill intervals.
      await sleep(200)
      assert.ok(freeBlocks() > 0)
      // A refill may have run at the moment of freeing.
      fillDisk(regionFolder)
      await heal()
      assert.ok(freeBlocks() > 0)
    } finally {
      await unmountSmallDisks(folder)
    }
  })

  test('a disk that the database shares is never filled', async () => {
    mkdirSync(join(folder, 'us-east/data/postgres'), { recursive: true })
    await assert.rejects(inject(target(), parse('disk-full', ['us-east'])), /no disk of its own/)
  })

  test('an app with the preload answers 500, has another clock, leaks, and recovers', async () => {
    const regionFolder = join(folder, 'us-east')
    mkdirSync(join(regionFolder, 'run'), { recursive: true })
    children.get('us-east/app-0')!.kill('SIGKILL')
    const app = spawn(process.execPath, [join(import.meta.dirname, 'fault-program.cjs')], {
      env: { NEARSIDE_FOLDER: regionFolder, PORT: '0', NODE_OPTIONS: nodeOptions() },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.set('us-east/app-0', app)
    const port = await new Promise<string>((resolve) =>
      app.stdout!.once('data', (text) => resolve(String(text).trim())),
    )
    const ask = () => fetch(`http://127.0.0.1:${port}/`)
    const clocks = async () => (await (await ask()).json()) as { now: number; date: number; same: boolean }
    const offBy = async () => Math.round(((await clocks()).now - Date.now()) / 1000) || 0

    const error = await inject(target(), parse('app-500', ['us-east']))
    assert.equal((await ask()).status, 500)
    const clock = await inject(target(), parse('app-clock', ['us-east'], { offset: '-60s' }))
    await error.heal()
    assert.equal((await ask()).status, 200)
    assert.equal(await offBy(), -60)
    const { now, date, same } = await clocks()
    assert.ok(Math.abs(now - date) < 1000 && same)
    await clock.heal()
    assert.equal(await offBy(), 0)

    const rss = () => Number(/** pages */ 4096 * statm(app.pid!))
    const before = rss()
    const leak = await inject(target(), parse('app-leak', ['us-east'], { mbPerSecond: '200' }))
    await until('memory to grow', () => rss() > before + 50 * 1024 * 1024)
    await leak.heal()
    assert.ok(isAlive(identify(app.pid!)!))
  })
})

function statm(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
}
