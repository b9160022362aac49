import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ApplyResult, createKnotControl } from '../../../src/engines/knot/control.ts'
import type { KnotMap } from '../../../src/engines/knot/map.ts'
import { knotPaths } from '../../../src/engines/knot/render.ts'
import { createKnotSteering } from '../../../src/engines/knot/steering.ts'
import { cover, netsOf, uniformCover } from '../../../src/geo/cover.ts'
import { placeTree } from '../../../src/geo/place-tree.ts'
import { parsePrefix } from '../../../src/geo/prefix.ts'
import { computeTable } from '../../../src/steering/compute.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import { knotTopology, startKnot, type TestKnot } from '../../support/knot.ts'

async function withKnot(
  work: (knot: TestKnot, map: (address: string) => KnotMap) => Promise<void>,
): Promise<void> {
  const knot = await startKnot(await knotTopology())
  const { domain } = knot.topology
  const everyone = [uniformCover(4, 0), uniformCover(6, 0)].flatMap(netsOf)
  try {
    await work(knot, (address) => ({ domain, nets: () => everyone, answers: [[address]] }))
  } finally {
    await knot.stop()
  }
}

/** Sends a query only once, so a lost packet fails the test. */
const neverAgain = 60_000

const kindOf = ({ kind }: ApplyResult) => kind

test('a server that was never given a map answers everyone with all serving regions', () =>
  withKnot(async (knot) => {
    const { base } = knot.topology.network
    assert.equal(await knot.answer('9.9.9.0/24'), `${base}.1.1,${base}.2.1 /5`)
    assert.equal(await knot.control.liveMark(), 'initial')
  }))

test('a map is applied once, and again when the server or the disk has lost it', () =>
  withKnot(async (knot, map) => {
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'applied')
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'unchanged')
    truncateSync(join(knot.folder, knotPaths.map), 60)
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'applied')
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.1 /5')
  }))

test('a restarted server keeps its map', () =>
  withKnot(async (knot, map) => {
    await knot.control.apply(map('10.0.0.1'))
    await knot.kill()
    await knot.start()
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.1 /5')
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'unchanged')
  }))

for (const [title, spoil] of [
  ['missing', (path: string) => rmSync(path)],
  ['empty', (path: string) => writeFileSync(path, '')],
  [
    'garbage',
    (path: string) => writeFileSync(path, 'shop.example.com:\n  - net: 1.2.3.x/8\n    A: nothing\n'),
  ],
] as const) {
  test(`a server whose map is ${title} still starts, and answers everyone with all serving regions`, () =>
    withKnot(async (knot, map) => {
      await knot.control.apply(map('10.0.0.1'))
      await knot.kill()
      spoil(join(knot.folder, knotPaths.map))
      await knot.start()
      const { base } = knot.topology.network
      assert.equal(await knot.answer('9.9.9.0/24'), `${base}.1.1,${base}.2.1 /5`)
      assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'applied')
    }))
}

test('a map that Knot rejects never replaces the good one', () =>
  withKnot(async (knot, map) => {
    await knot.control.apply(map('10.0.0.1'))
    const good = readFileSync(join(knot.folder, knotPaths.map), 'utf8')
    const result = await knot.control.apply(map('10.0.0.300'))
    assert.ok(
      result.kind === 'refused' && result.stage === 'check' && result.restored,
      JSON.stringify(result),
    )
    assert.match(result.detail, /mod-geoip/)
    assert.equal(readFileSync(join(knot.folder, knotPaths.map), 'utf8'), good)
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.1 /5')
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.2'))), 'applied')
  }))

test('a map that loads but gives wrong answers is withdrawn, and the last good one is used again', () =>
  withKnot(async (knot, map) => {
    await knot.control.apply(map('10.0.0.1'))
    // Knot accepts overlapping nets, and then answers users of the inner net with the wrong scope.
    const overlapping: KnotMap = {
      ...map('10.0.0.2'),
      nets: () => [
        ...netsOf(uniformCover(4, 0)),
        { ...parsePrefix('0.0.0.0/2')!, value: 1 },
        ...netsOf(uniformCover(6, 0)),
      ],
      answers: [['10.0.0.2'], ['10.0.0.3']],
    }
    const result = await knot.control.apply(overlapping)
    assert.ok(
      result.kind === 'refused' && result.stage === 'probe' && result.restored,
      JSON.stringify(result),
    )
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.1 /5')
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'unchanged')
  }))

test('a reload that reports OK but does not happen is noticed, and the last good map is restored', () =>
  withKnot(async (knot, map) => {
    await knot.control.apply(map('10.0.0.1'))
    const control = createKnotControl({
      domain: knot.topology.domain,
      folder: knot.folder,
      server: { address: knot.region.address, port: knot.topology.ports.dns },
      run: async (command) =>
        command.includes('zone-reload') ? { code: 0, output: 'OK' } : knot.run(command),
      reloadTimeoutMs: 200,
    })
    const result = await control.apply(map('10.0.0.2'))
    assert.ok(
      result.kind === 'refused' && result.stage === 'reload' && result.restored,
      JSON.stringify(result),
    )
    await knot.kill()
    await knot.start()
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.1 /5')
  }))

test('a map for a server that is down is stored on disk until it starts', () =>
  withKnot(async (knot, map) => {
    await knot.kill()
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'stored')
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'stored')
    const broken = await knot.control.apply(map('10.0.0.300'))
    assert.ok(broken.kind === 'refused' && !broken.restored)
    await knot.start()
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.1 /5')
    assert.equal(kindOf(await knot.control.apply(map('10.0.0.1'))), 'unchanged')
  }))

test('concurrent calls apply their maps one after another, and the last one stays', () =>
  withKnot(async (knot, map) => {
    const results = await Promise.all(
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((at) => knot.control.apply(map(at))),
    )
    assert.deepEqual(results.map(kindOf), ['applied', 'applied', 'applied'])
    assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.3 /5')
  }))

test('maps change under load without a lost query, and every answer is from one of the two', () =>
  withKnot(async (knot, map) => {
    const values = Uint32Array.from({ length: 4096 }, (_, index) => index % 2)
    const nets = netsOf(cover(4, new Uint8Array(4096).fill(12), values))
    const large = (first: string, second: string): KnotMap => ({
      ...map(first),
      nets: () => [...nets, ...netsOf(uniformCover(6, 0))],
      answers: [[first], [second]],
    })
    await knot.control.apply(large('10.0.0.1', '10.0.0.2'))
    let running = true
    const seen = new Map<string, number>()
    const asking = Array.from({ length: 8 }, async () => {
      while (running) {
        const reply = await knot.ask({ subnet: '9.9.9.0/24' }, neverAgain)
        const answer = reply ? `${reply.records.map(({ data }) => data)} /${reply.scope}` : 'lost'
        seen.set(answer, (seen.get(answer) ?? 0) + 1)
      }
    })
    try {
      for (let step = 0; step < 6; step++) {
        const [first, second] = step % 2 ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2', '10.0.0.1']
        assert.equal(kindOf(await knot.control.apply(large(first!, second!))), 'applied')
      }
    } finally {
      running = false
      await Promise.all(asking)
    }
    assert.deepEqual([...seen.keys()].sort(), ['10.0.0.1 /12', '10.0.0.2 /12'], JSON.stringify([...seen]))
  }))

test('steering follows availability, and repairs a server that has lost its map', () =>
  withKnot(async (knot) => {
    const { topology, control } = knot
    const east = { lat: 40.7, lon: -74 }
    const west = { lat: 34, lon: -118 }
    const table = computeTable({
      regions: regionsOf(topology).filter((region) => region.serves),
      places: [
        placeTree(4, [
          { ...parsePrefix('9.0.0.0/8')!, location: east },
          { ...parsePrefix('17.0.0.0/8')!, location: west },
        ]),
      ],
      maxPrefixes: 1000,
    })
    const [toEast, toWest] = [1, 2].map((index) => `${topology.network.base}.${index}.1`)
    const steering = createKnotSteering({ topology, table, control })
    const answers = async () => {
      const both = [await knot.answer('9.1.1.0/24'), await knot.answer('17.1.1.0/24')]
      return both.map((answer) => answer.split(' ')[0]).join(' ')
    }
    assert.equal(kindOf(await steering.reconcile({})), 'applied')
    assert.equal(await answers(), `${toEast} ${toWest}`)
    assert.equal(kindOf(await steering.reconcile({})), 'unchanged')

    await steering.reconcile({ 'us-east': { kind: 'unhealthy' } })
    assert.equal(await answers(), `${toWest} ${toWest}`)
    await steering.reconcile({ 'us-east': { kind: 'unhealthy' }, 'us-west': { kind: 'unhealthy' } })
    assert.equal(await answers(), `${toEast} ${toWest}`, 'fail open')
    await steering.reconcile({ 'us-east': { kind: 'healthy', share: 0 } })
    assert.equal(await answers(), `${toWest} ${toWest}`)
    await steering.reconcile({})
    assert.equal(await answers(), `${toEast} ${toWest}`)

    copyFileSync(join(knot.folder, knotPaths.initialMap), join(knot.folder, knotPaths.map))
    await knot.kill()
    await knot.start()
    assert.notEqual(await answers(), `${toEast} ${toWest}`)
    assert.equal(kindOf(await steering.reconcile({})), 'applied')
    assert.equal(await answers(), `${toEast} ${toWest}`)
    assert.ok(statSync(join(knot.folder, knotPaths.map)).size > 100)
  }))

const isRoot = process.geteuid?.() === 0

test('on a full disk a lost region still leaves the answers', { skip: isRoot ? false : 'needs root' }, () =>
  withKnot(async (knot, map) => {
    const disk = join(knot.folder, 'data', 'knot')
    await knot.kill()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk])
    try {
      await knot.start()
      const nets = netsOf(cover(4, new Uint8Array(32_768).fill(15), new Uint32Array(32_768)))
      const large = (address: string): KnotMap => ({
        ...map(address),
        nets: () => [...nets, ...netsOf(uniformCover(6, 0))],
      })
      for (const address of ['10.0.0.1', '10.0.0.2'])
        assert.equal(kindOf(await knot.control.apply(large(address))), 'applied')
      fill(join(disk, 'filler'))
      assert.equal(
        kindOf(await knot.control.apply(large('10.0.0.3'))),
        'applied',
        'in the previous map’s space',
      )
      assert.equal(await knot.answer('9.9.9.0/24'), '10.0.0.3 /15')
      fill(join(disk, 'more'))
      // A map that does not fit at all, and then the small one that leaves the lost region out.
      const larger: KnotMap = { ...large('10.0.0.4'), answers: [Array(50).fill('10.0.0.4')] }
      await assert.rejects(knot.control.apply(larger), { code: 'ENOSPC' })
      assert.equal(kindOf(await knot.control.apply(map('10.0.0.5'))), 'applied')
      assert.match(await knot.answer('9.9.9.0/24'), /^10\.0\.0\.5 \//)
    } finally {
      await knot.kill()
      execFileSync('umount', [disk])
    }
  }),
)

function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4096))
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  } finally {
    closeSync(file)
  }
}
