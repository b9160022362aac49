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

test('a table is computed once; a different database, bound or region gives a different table', async () => {
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

test('the name of the world, the TTL and witnesses do not affect the table', async () => {
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

test('two concurrent builds give one complete table and leave no other files', async () => {
  const world = smallWorld()
  const files = await Promise.all([buildTable(world), buildTable(world), buildTable(world)])
  assert.equal(new Set(files).size, 1)
  assert.deepEqual(readdirSync(world.cacheFolder).length, 1)
  assert.deepEqual(
    (await readTable(files[0]!)).regions.map(({ name }) => name),
    ['us-east', 'us-west'],
  )
})

test('the lock of a builder that was killed does not block the next one', async () => {
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

test('waiting for another builder can be aborted', async () => {
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

test('a table that is damaged on disk is computed again', async () => {
  const world = smallWorld()
  const file = await buildTable(world)
  truncateSync(file, 50)
  await assert.rejects(readTable(file), { code: 'steering_table_broken' })
  assert.equal(await buildTable(world), file)
  assert.equal((await readTable(file)).regions.length, 2)
})

test('without a database the table sends everyone to the first region', async () => {
  const folder = temporaryFolder('steering')
  const table = await readTable(
    await buildTable({ topology: topologyOf(twoRegions), folder, cacheFolder: folder }),
  )
  const { family, index } = locate(table, parseAddress('9.9.9.9')!)
  assert.equal(table.regions[rankingOf(table, family, index)[0]!]!.name, 'us-east')
})

test('an unusable database gives a NearsideError, also when the child process finds it', async () => {
  const world = smallWorld([['9.0.0.0/8', { country_code: 'US' }]])
  await assert.rejects(buildTable(world), {
    code: 'geoip_country_level',
    message: /city\.mmdb is a country-level database/,
  })
  writeFileSync(join(world.folder, 'city.mmdb'), 'name: shop\n')
  await assert.rejects(buildTable(world), { code: 'geoip_not_mmdb' })
  const gone = topologyOf(twoRegions, { steering: { geoip: ['nothing.mmdb'] } })
  await assert.rejects(buildTable({ ...world, topology: gone }), { code: 'geoip_missing' })
  assert.deepEqual(readdirSync(world.cacheFolder), [])
})
