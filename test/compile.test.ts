import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { compile, compileRegion } from '../src/compile.ts'
import type { EngineName, RegionPlan } from '../src/plan.ts'
import { firstPrimary, regionsOf } from '../src/topology/regions.ts'
import type { Topology } from '../src/topology/schema.ts'
import { assertGolden } from './support/golden.ts'
import { sandboxRunner } from './support/knot.ts'
import { freeNetwork, listening } from './support/net.ts'
import { temporaryFolder } from './support/sandboxed.ts'
import { sampleSecrets, threeRegions, topologyOf, twoRegions, withEdge } from './support/topologies.ts'

const topologies = {
  'two-regions': topologyOf(twoRegions, { app: { release: ['node', 'migrate.ts'] } }),
  'three-regions': topologyOf(threeRegions, { database: { primary: 'eu-west', durability: 'strict' } }),
  'with-edge': topologyOf(withEdge, { database: { durability: 'local', parameters: { work_mem: '8MB' } } }),
}
const inputs = { secrets: sampleSecrets, folder: '/srv/shop/.nearside/shop', appFolder: '/srv/shop' }

/** HAProxy, Varnish and Knot have golden files of their own. */
const shownHere = /^etc\/(etcd|patroni|bootstrap|redis)\./

describe('compiling', () => {
  for (const [name, topology] of Object.entries(topologies))
    test(`${name}: the files of etcd, Patroni and Redis and all processes match the golden files`, () => {
      const plan = compile(topology, inputs)
      for (const [region, { files, processes }] of Object.entries(plan.regions)) {
        const content = `${JSON.stringify(processes, null, 2)}\n`
        const shown = files.filter((file) => shownHere.test(file.path))
        assertGolden(`compile/${name}/${region}`, [...shown, { path: 'processes.json', content }])
      }
    })

  test('the same inputs give the same plan', () => {
    const topology = topologies['with-edge']
    assert.deepEqual(compile(structuredClone(topology), inputs), compile(topology, inputs))
  })

  test('a region runs the engines of its role', () => {
    const plan = compile(topologies['with-edge'], inputs)
    const enginesOf = (region: string) => [
      ...new Set(plan.regions[region]!.processes.map((one) => one.engine)),
    ]
    const full: EngineName[] = ['etcd', 'haproxy', 'varnish', 'knot', 'redis', 'postgres', 'app']
    assert.deepEqual(enginesOf('us-east'), full)
    assert.deepEqual(enginesOf('sa-east'), ['haproxy', 'varnish', 'knot'])
    assert.deepEqual(
      compile(topologies['two-regions'], inputs).regions['us-central']!.processes.map((one) => one.name),
      ['etcd'],
    )
  })

  test('no command contains a secret, and every file with one is readable only by its owner', () => {
    const secrets = Object.values(sampleSecrets)
    for (const topology of Object.values(topologies))
      for (const region of Object.values(compile(topology, inputs).regions)) {
        for (const one of region.processes)
          assert.ok(!secrets.some((secret) => one.command.join(' ').includes(secret)), one.name)
        for (const file of region.files)
          if (secrets.some((secret) => file.content.includes(secret)))
            assert.equal(file.mode, 0o600, file.path)
      }
  })

  test('ports are unique on one machine', () => {
    for (const topology of Object.values(topologies)) {
      const ports = Object.values(compile(topology, inputs).regions).flatMap((region) =>
        region.processes.filter((one) => one.engine === 'app').map((one) => one.env.PORT),
      )
      assert.equal(new Set(ports).size, ports.length)
    }
  })

  test('processes wait only for processes of their own region', () => {
    for (const topology of Object.values(topologies))
      for (const region of Object.values(compile(topology, inputs).regions)) {
        const names = region.processes.map((one) => one.name)
        for (const one of region.processes)
          for (const needed of one.after) assert.ok(names.includes(needed), `${one.name} after ${needed}`)
      }
  })

  test('database.durability sets Patroni’s synchronous mode', () => {
    const modes = (['region', 'strict', 'local'] as const).map((durability) => {
      const topology = topologyOf(twoRegions, { database: { durability } })
      const patroni = fileOf(compile(topology, inputs).regions['us-east']!, 'etc/patroni.yml')
      return ['synchronous_mode', 'synchronous_mode_strict'].map((key) =>
        new RegExp(`${key}: true`).test(patroni),
      )
    })
    assert.deepEqual(modes, [
      [true, false],
      [true, true],
      [false, false],
    ])
  })

  test('etcd’s heartbeat interval follows the longest round trip between voting regions, measured or estimated', () => {
    const heartbeat = (topology: Topology) => {
      const { files } = compileRegion(topology, 'us-east', {
        secrets: sampleSecrets,
        folder: '/w',
        appFolder: '/a',
      })
      const etcd = JSON.parse(files.find((file) => file.path === 'etc/etcd.yml')!.content)
      assert.equal(etcd['election-timeout'], 10 * etcd['heartbeat-interval'])
      return etcd['heartbeat-interval']
    }
    const known = topologies['two-regions']
    assert.equal(heartbeat(known), 100)
    const measured = { ...known, network: { ...known.network, rttMs: { 'us-west us-east': 300 } } }
    assert.equal(heartbeat(measured), 370)
  })

  test('the first primary is database.primary, or else the first full region', () => {
    assert.equal(firstPrimary(topologies['three-regions']), 'eu-west')
    assert.equal(firstPrimary(topologies['two-regions']), 'us-east')
  })
})

describe('Patroni', () => {
  for (const name of Object.keys(topologies) as (keyof typeof topologies)[])
    test(`${name}: Patroni accepts what is rendered`, async (t) => {
      const folder = temporaryFolder('compile')
      const topology = { ...topologies[name], network: { base: await freeNetwork() } }
      // Patroni’s check connects to every configured etcd member.
      for (const { address } of regionsOf(topology).filter((region) => region.votes)) {
        const etcd = createServer((socket) => socket.destroy())
        await listening(etcd, address, topology.ports.etcdClient)
        t.after(() => etcd.close())
      }
      const plan = compile(topology, { ...inputs, folder })
      for (const region of regionsOf(topology).filter((one) => one.full)) {
        const regionFolder = join(folder, 'regions', region.name)
        const { files, folders } = plan.regions[region.name]!
        for (const path of folders) mkdirSync(join(regionFolder, path), { recursive: true })
        for (const file of files) {
          mkdirSync(dirname(join(regionFolder, file.path)), { recursive: true })
          writeFileSync(join(regionFolder, file.path), file.content, { mode: file.mode })
        }
        const run = sandboxRunner(regionFolder)
        const { code, output } = await run(['/usr/bin/patroni', '--validate-config', 'etc/patroni.yml'])
        assert.equal(code, 0, output)
      }
    })
})

const fileOf = (plan: RegionPlan, path: string) => plan.files.find((file) => file.path === path)!.content
