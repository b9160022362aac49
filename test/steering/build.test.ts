import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAddress } from '../../src/geo/prefix.ts'
import { buildTable, readTable } from '../../src/steering/build.ts'
import { buildOnce } from '../../src/steering/build-lock.ts'
import { writeMmdb } from '../support/mmdb.ts'
import { temporaryFolder } from '../support/sandboxed.ts'
import { locate, rankingOf } from '../support/steering-table.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const newYork = { latitude: 40.7, longitude: -74.5 }

function smallWorld(entries: Parameters<typeof writeMmdb>[0] = [['9.0.0.0/8', newYork]]) {
  const folder = temporaryFolder('steering')
  writeFileSync(join(folder, 'city.mmdb'), writeMmdb(entries))
  const topology = topologyOf(twoRegions, { steering: { geoip: ['city.mmdb'] } })
  return { topology, folder, cacheFolder: join(folder, 'cache') }
}

test('a table is computed once; another database, bound or region makes another table', async () => {
  const world = smallWorld()
  const first = await buildTable(world)
  const made = statSync(first)
  assert.equal(await buildTable(world), first)
  assert.equal(statSync(first).ino, made.ino)

  const { topology } = world
  const steering = { ...topology.steering, maxPrefixes: 100 }
  const bounded = await buildTable({ ...world, topology: { ...topology, steering } })
  const regions = {
    ...topology.regions,
    'us-east': { ...topology.regions['us-east']!, location: { lat: 1, lon: 1 } },
  }
  const moved = await buildTable({ ...world, topology: { ...topology, regions } })
  writeFileSync(join(world.folder, 'city.mmdb'), writeMmdb([['17.0.0.0/8', newYork]]))
  const updated = await buildTable(world)
  assert.equal(new Set([first, bounded, moved, updated]).size, 4)
})

test('what does not bear on the table does not make another: names of the world, TTL, witnesses', async () => {
  const world = smallWorld()
  const { topology } = world
  const changed = {
    ...topology,
    name: 'other',
    domain: 'other.example.com',
    steering: { ...topology.steering, ttlSeconds: 5 },
    regions: { ...topology.regions, extra: { ...topology.regions['us-central']! } },
  }
  assert.equal(await buildTable({ ...world, topology: changed }), await buildTable(world))
})

test('two at once make one sound table and leave nothing beside it', async () => {
  const world = smallWorld()
  const files = await Promise.all([buildTable(world), buildTable(world), buildTable(world)])
  assert.equal(new Set(files).size, 1)
  assert.deepEqual(readdirSync(world.cacheFolder).length, 1)
  assert.deepEqual(
    (await readTable(files[0]!)).regions.map(({ name }) => name),
    ['us-east', 'us-west'],
  )
})

test('a builder that died does not hold up the next one', async () => {
  const world = smallWorld()
  const file = await buildTable(world)
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  for (const holder of [`nearside (process ${pid})`, 'nobody', '']) {
    rmSync(file)
    writeFileSync(`${file}.lock`, holder)
    assert.equal(await buildTable(world), file)
    assert.deepEqual(readdirSync(world.cacheFolder).length, 1)
  }
})

test('whoever waits for a builder can give up', async () => {
  const world = smallWorld()
  const file = await buildTable(world)
  rmSync(file)
  const end = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const holding = buildOnce(
    `${file}.lock`,
    async () => false,
    () => {
      begun.resolve()
      return end.promise
    },
  )
  await begun.promise
  const controller = new AbortController()
  const waiting = buildTable({ ...world, signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  await assert.rejects(waiting, { name: 'AbortError' })
  end.resolve()
  await holding
  assert.equal(await buildTable(world), file)
})

test('a table that was damaged on disk is made again', async () => {
  const world = smallWorld()
  const file = await buildTable(world)
  truncateSync(file, 50)
  await assert.rejects(readTable(file), { code: 'steering_table_broken' })
  assert.equal(await buildTable(world), file)
  assert.equal((await readTable(file)).regions.length, 2)
})

test('without a database there is a table too, and everyone goes to the first region', async () => {
  const folder = temporaryFolder('steering')
  const table = await readTable(
    await buildTable({ topology: topologyOf(twoRegions), folder, cacheFolder: folder }),
  )
  const { family, index } = locate(table, parseAddress('9.9.9.9')!)
  assert.equal(table.regions[rankingOf(table, family, index)[0]!]!.name, 'us-east')
})

test('an unusable database is an error for people, also from the child process', async () => {
  const world = smallWorld([['9.0.0.0/8', { country_code: 'US' }]])
  await assert.rejects(buildTable(world), {
    code: 'places_country_level',
    message: /city\.mmdb knows countries only/,
  })
  writeFileSync(join(world.folder, 'city.mmdb'), 'name: shop\n')
  await assert.rejects(buildTable(world), { code: 'places_not_mmdb' })
  const gone = topologyOf(twoRegions, { steering: { geoip: ['nothing.mmdb'] } })
  await assert.rejects(buildTable({ ...world, topology: gone }), { code: 'places_missing' })
  assert.deepEqual(readdirSync(world.cacheFolder), [])
})
