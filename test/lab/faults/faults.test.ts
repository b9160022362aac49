import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeOptions } from '../../../src/lab/faults/app-control.ts'
import type { ClusterFacts } from '../../../src/lab/faults/cluster-facts.ts'
import { describeFault, describeHealing } from '../../../src/lab/faults/describe.ts'
import { changesOf } from '../../../src/lab/faults/drivers/links.ts'
import { databaseDisk, fillDisk } from '../../../src/lab/faults/fill-disk.ts'
import { guard } from '../../../src/lab/faults/guard.ts'
import { dropFaults, healLeft } from '../../../src/lab/faults/heal-left.ts'
import { inject } from '../../../src/lab/faults/inject.ts'
import { listFaults } from '../../../src/lab/faults/list.ts'
import { parseFault, type RawFaultOptions } from '../../../src/lab/faults/parse.ts'
import { graceMs, isLeft, readRecords, writeRecord } from '../../../src/lab/faults/record.ts'
import { linksUnder } from '../../../src/lab/faults/shaping.ts'
import {
  mountSmallDisk,
  mountsBelow,
  parseSmallDisks,
  unmountSmallDisks,
} from '../../../src/lab/faults/small-disk.ts'
import { absent, type Fault, faultKinds } from '../../../src/lab/faults/table.ts'
import type { FaultTarget } from '../../../src/lab/faults/target.ts'
import type { Link } from '../../../src/lab/wan/index.ts'
import { identify, isAlive, isStopped } from '../../../src/lib/proc.ts'
import { temporaryFolder, until } from '../../support/sandboxed.ts'

const regions = [
  { name: 'us-east', full: true, serves: true, votes: true },
  { name: 'us-west', full: true, serves: true, votes: true },
  { name: 'us-central', full: false, serves: false, votes: true },
]
const processes = ['postgres', 'etcd', 'app-0', 'agent', 'postmaster']
const facts: ClusterFacts = { regions, primary: 'us-east', processesOf: () => processes }
const parse = (
  kind: string,
  words: string[] = [],
  options: RawFaultOptions = {},
  more: Partial<ClusterFacts> = {},
) => parseFault(kind, { words, options }, { ...facts, ...more })

suite('a fault as it is typed', () => {
  test('is a value with everything that it needs, and says so', () => {
    assert.deepEqual(parse('cut', ['us-east']), {
      kind: 'cut',
      region: 'us-east',
      from: ['us-west', 'us-central'],
      direction: 'both',
      forMs: 20_000,
    })
    assert.equal(
      describeFault(parse('cut', ['us-east'], { from: 'all', direction: 'out', for: '1.5s' })),
      'cut us-east off one way: what it sends does not reach us-west, us-central and its users, for 1.5 s at most',
    )
    assert.equal(
      describeFault(parse('slow-link', ['us-east', 'us-west'], { delay: '80ms', rate: '10mbit' })),
      'slow the link between us-east and us-west: 80 ms more, 10 Mbit/s at most, for 20 s at most',
    )
    assert.equal(describeFault(parse('kill-process', ['us-east', 'etcd'])), 'kill us-east/etcd')
    assert.equal(describeHealing(parse('kill-region', ['us-west'])), 'start us-west again')
  })

  test('unknown words are refused with what was probably meant', () => {
    const refused = (
      kind: string,
      words: string[],
      typed: RawFaultOptions = {},
      more: Partial<ClusterFacts> = {},
    ) => {
      try {
        parse(kind, words, typed, more)
      } catch (error) {
        const { message, remedy } = error as { message: string; remedy?: string }
        return `${message} | ${remedy}`
      }
      return 'accepted'
    }
    assert.match(refused('kil-region', ['us-east']), /got "kil-region" \| did you mean kill-region\?/)
    assert.match(
      refused('kill-region', ['us-est']),
      /region: expected .* got "us-est" \| did you mean us-east\?/,
    )
    assert.match(refused('pause-process', ['us-east', 'postgre']), /did you mean postgres\?/)
    assert.match(refused('kill-region', []), /expected REGION, got nothing/)
    assert.match(
      refused('app-hang', ['us-central']),
      /us-central is a witness without app and database; expected us-east, us-west \| nearside lab fault app-hang us-east/,
    )
    assert.match(
      refused('kill-region', ['us-east'], { for: '20' }),
      /--for: expected a time .* such as 20s, got "20"/,
    )
    assert.match(refused('kill-region', ['us-east'], { for: '2h' }), /above 0 and at most 1h/)
    assert.match(refused('lossy-link', ['us-east', 'us-west'], { loss: '500%' }), /expected a share/)
    assert.match(
      refused('kill-region', ['us-east'], { for: '0s' }),
      /expected a time above 0 and at most 1h, such as 20s, got "0s"/,
    )
    assert.match(
      refused('replay-paused', ['us-east']),
      /holds the primary, which replays nothing \| name a replica’s region: us-west/,
    )
    assert.match(
      refused('cut', ['us-east'], { direction: 'sideways' }),
      /--direction: expected both, out or in, got "sideways" \| out: what/,
    )
    assert.match(
      refused('app-clock', ['us-east']),
      /expected --offset, .* \| nearside lab fault app-clock us-east --offset 30s/,
    )
    assert.match(
      refused('restart-process', ['us-east', 'postmaster']),
      /it can be killed or paused \| nearside lab fault restart-process us-east postgres/,
    )
    assert.doesNotMatch(refused('restart-process', ['us-east', 'x']), /postmaster/)
    assert.match(
      refused('disk-full', ['us-east'], {}, { smallDisks: ['us-west'] }),
      /the database in us-east has no disk of its own .* \| .*--small-disk us-east=1gb/,
    )
    assert.match(refused('app-500', ['us-east'], {}, { appFaults: false }), /\| .*--app-faults/)
    assert.match(refused('kill-region', ['us-east'], { delay: '5s' }), /has no --delay/)
    assert.match(refused('etcd-quorum', [], { members: 'us-east' }), /still a majority of 3/)
    assert.match(refused('slow-disk', ['us-east']), /there is no slow-disk: cgroups/)
  })

  test('a majority of etcd is taken where the primary is not', () => {
    const fault = parse('etcd-quorum')
    assert.deepEqual(fault.kind === 'etcd-quorum' && fault.members, ['us-west', 'us-central'])
  })

  test('every kind is listed with what it does and how it is healed, and what is absent with the reason', () => {
    const listed = listFaults()
    assert.deepEqual(
      listed.map(({ kind }) => kind),
      faultKinds,
    )
    for (const { kind, does, heals, needs } of listed) assert.ok(does && heals && needs, kind)
    assert.ok(absent['slow-disk'] && absent['clock-skew'])
  })
})

suite('links under faults', () => {
  const link = (from: string, to: string): Link => ({
    from,
    to,
    params: { delayMs: 30, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false },
  })
  const base = ['us-east', 'us-west', 'us-central', 'city:0'].flatMap((from, _, all) =>
    all.filter((to) => to !== from).map((to) => link(from, to)),
  )
  const under = (faults: Fault[]) => linksUnder(base, changesOf(faults.map((fault) => ({ fault }))))
  const cuts = (faults: Fault[]) =>
    under(faults)
      .filter(({ params }) => params.cut)
      .map(({ from, to }) => `${from}>${to}`)

  test('a cut one way leaves the other', () => {
    assert.deepEqual(cuts([parse('cut', ['us-east'], { from: 'us-west', direction: 'out' })]), [
      'us-east>us-west',
    ])
    assert.deepEqual(cuts([parse('cut', ['us-east'], { from: 'us-west', direction: 'in' })]), [
      'us-west>us-east',
    ])
    assert.deepEqual(cuts([parse('cut', ['us-east'], { from: 'users' })]), [
      'us-east>city:0',
      'city:0>us-east',
    ])
  })

  test('overlapping faults add up, and what remains when one is healed is the other', () => {
    const slow = parse('slow-link', ['us-east', 'us-west'], { delay: '50ms' })
    const lossy = parse('lossy-link', ['us-east', 'us-west'], { loss: '50%', direction: 'out' })
    const on = (faults: Fault[]) =>
      under(faults).find(({ from, to }) => from === 'us-east' && to === 'us-west')!.params
    assert.deepEqual(on([slow, slow, lossy, lossy]), {
      ...link('', '').params,
      delayMs: 130,
      lossShare: 0.75,
    })
    assert.deepEqual(on([lossy]), { ...link('', '').params, lossShare: 0.5 })
    assert.deepEqual(under([]), base)
  })
})

/** As a lab needs it: root, and leave to mount. */
const smallDisksMissing =
  process.getuid?.() !== 0
    ? 'a small disk needs root'
    : spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status !== 0 &&
      'nothing may be mounted here'

suite('a small disk', () => {
  test('is asked for by region and size', () => {
    assert.deepEqual(parseSmallDisks(['us-east=512mb'], ['us-east', 'us-west']), {
      'us-east': 512 * 1024 ** 2,
    })
    assert.throws(() => parseSmallDisks(['us-est=512mb'], ['us-east']), { remedy: 'did you mean us-east?' })
    assert.throws(() => parseSmallDisks(['us-east=5mb'], ['us-east']), /from 256mb to 4gb/)
    assert.throws(() => parseSmallDisks(['us-east'], ['us-east']), /expected REGION=SIZE/)
  })

  test('is found again among what is mounted, and nobody else’s is', () => {
    const info = [
      '36 35 0:40 / /srv/a\\040b/x/data/postgres rw shared:1 - tmpfs nearside-small-disk rw,size=1k',
      '37 35 0:41 / /srv/a\\040b/x/other rw - tmpfs tmpfs rw',
      '38 35 0:42 / /srv/y/data/postgres rw - tmpfs nearside-small-disk rw',
    ].join('\n')
    assert.deepEqual(mountsBelow('/srv/a b', info), ['/srv/a b/x/data/postgres'])
  })
})

suite('faults at processes', () => {
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
        return id && names.includes(region) ? [{ ...id, region, name, main: true, program: 'sleep' }] : []
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

  test('of PostgreSQL its first process alone stands still, or dies, and goes on when nobody holds it', async () => {
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

  test('a paused region stands still as long as it is meant to, with a record on disk', async () => {
    const { heal } = await inject(target(), parse('pause-region', ['us-east']))
    assert.ok(['us-east/agent', 'us-east/etcd', 'us-east/app-0'].every((name) => isStopped(idOf(name))))
    assert.ok(!isStopped(idOf('us-west/etcd')))
    assert.equal(readRecords(folder).length, 1)
    await heal()
    await heal()
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
    assert.deepEqual(readRecords(folder), [])
  })

  test('healing one fault leaves what another one holds', async () => {
    const region = await inject(target(), parse('pause-region', ['us-east']))
    const quorum = await inject(target(), parse('etcd-quorum', [], { members: 'us-east,us-west' }))
    await region.heal()
    assert.ok(isStopped(idOf('us-east/etcd')) && isStopped(idOf('us-west/etcd')))
    assert.ok(!isStopped(idOf('us-east/app-0')))
    await quorum.heal()
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
  })

  test('two faults that are healed at the same time leave to each other nothing that both hold', async () => {
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

  test('a fault that is injected while another one is healed stays in force', async () => {
    const params = { delayMs: 12, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    let link: Link = { from: 'us-east', to: 'us-west', params }
    const healing = Promise.withResolvers<void>()
    const telling = Promise.withResolvers<void>()
    const links = {
      now: async () => [link],
      set: async ([changed]: readonly Link[]) => {
        // What the first healing tells comes last.
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

  test('a killed process is gone; of one that is not there, nothing stays behind', async () => {
    const { heal } = await inject(target(), parse('kill-process', ['us-west', 'app-0']))
    assert.ok(!identify(pidOf('us-west/app-0')))
    await heal()
    await assert.rejects(
      inject(target(), parse('kill-process', ['us-west', 'postgres'])),
      /no such process is running/,
    )
    assert.deepEqual(readRecords(folder), [])
  })

  test('a killed region is started again at healing, but not while another fault keeps it down', async () => {
    const first = await inject(target(), parse('kill-region', ['us-west']))
    const second = await inject(target(), parse('kill-region', ['us-west']))
    await first.heal()
    assert.deepEqual(started, [])
    await second.heal()
    assert.deepEqual(started, ['us-west'])
  })

  test('healing that fails keeps the record, and can be tried again', async () => {
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

  test('what a dead command has left is healed by its record; what a living one holds is not', async () => {
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

  test('a fault that should be over long ago is left, even if its owner lives', async () => {
    const record = await writeRecord(folder, parse('pause-process', ['us-west', 'etcd'], { for: '1s' }), {
      now: 1_000,
    })
    assert.ok(!isLeft(record, 2_000 + graceMs))
    assert.ok(isLeft(record, 2_001 + graceMs))
    assert.ok(isLeft(record, 1_500, () => false))
  })

  test('before a world is stopped nothing stands still any more, and its dead regions stay dead', async () => {
    const paused = await inject(target(), parse('pause-region', ['us-east']))
    const killed = await inject(target(), parse('kill-region', ['us-west']))
    await dropFaults(target())
    assert.ok([...children.keys()].every((name) => !isStopped(idOf(name))))
    assert.deepEqual(readRecords(folder), [])
    // Whoever injected them finds nothing left to heal: a stopped world is not started by it.
    await Promise.all([paused.heal(), killed.heal()])
    assert.deepEqual(started, [])
  })

  test('a guard heals what its owner leaves when it ends, and what is long overdue, and nobody else’s', async () => {
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
    assert.ok(isStopped(idOf('us-east/app-0')), 'another command’s')
  })

  test('links are as an operator had set them once every fault on them is healed, in whatever order', async () => {
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

  test('a fault on links that are not there is refused: it would be in force and change nothing', async () => {
    const params = { delayMs: 12, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false }
    const links = {
      now: async () => [{ from: 'us-east', to: 'us-west', params }],
      set: async () => assert.fail('there is nothing to tell'),
    }
    for (const fault of [
      parse('cut', ['us-east'], { from: 'users' }),
      parse('slow-link', ['us-east', 'users'], { delay: '50ms' }),
      parse('lossy-link', ['us-west', 'us-central']),
    ])
      await assert.rejects(inject({ ...target(), links }, fault), {
        code: 'fault_no_links',
        message: /there is no such link/,
      })
    assert.deepEqual(readRecords(folder), [])
  })

  test('what needs a network is refused where there is none, and nothing is recorded', async () => {
    await assert.rejects(inject(target(), parse('cut', ['us-east'])), /no network that could be changed/)
    assert.deepEqual(readRecords(folder), [])
  })

  test('an app without the preload cannot be made to answer 500', async () => {
    await assert.rejects(
      inject(target(), parse('app-500', ['us-east'])),
      /started without the preload that such faults need/,
    )
  })

  test('a full disk is free once somebody else has healed it, and is not filled again', {
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
      // Some times as long as a full disk is left alone.
      await sleep(200)
      assert.ok(freeBlocks() > 0)
      // It may have been filled in the very moment in which it was freed.
      fillDisk(regionFolder)
      await heal()
      assert.ok(freeBlocks() > 0)
    } finally {
      await unmountSmallDisks(folder)
    }
  })

  test('a disk that is not the database’s own is never filled', async () => {
    mkdirSync(join(folder, 'us-east/data/postgres'), { recursive: true })
    await assert.rejects(inject(target(), parse('disk-full', ['us-east'])), /no disk of its own/)
  })

  test('an app with the preload answers 500, has another clock, leaks, and is well again', async () => {
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
    const look = async () => (await (await ask()).json()) as { now: number; date: number; same: boolean }
    const offBy = async () => Math.round(((await look()).now - Date.now()) / 1000) || 0

    const error = await inject(target(), parse('app-500', ['us-east']))
    assert.equal((await ask()).status, 500)
    const clock = await inject(target(), parse('app-clock', ['us-east'], { offset: '-60s' }))
    await error.heal()
    assert.equal((await ask()).status, 200)
    assert.equal(await offBy(), -60)
    const { now, date, same } = await look()
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
