import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAddress } from '../../src/geo/prefix.ts'
import { buildRevision, buildTable, enoughMemory, readTable } from '../../src/steering/build.ts'
import { buildOnce } from '../../src/steering/build-lock.ts'
import { fingerprintOf, revisionOf, tableInputs } from '../../src/steering/inputs.ts'
import { writeMmdb } from '../support/mmdb.ts'
import { temporaryFolder } from '../support/sandboxed.ts'
import { locate, rankingOf } from '../support/steering-table.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const newYork = { latitude: 40.7, longitude: -74.5 }

const manyNetworks = (): Parameters<typeof writeMmdb>[0] =>
  Array.from({ length: 200 }, (_, index) => [`${index + 20}.0.0.0/8`, newYork])

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
    writeFileSync(join(world.cacheFolder, 'build.lock'), holder)
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
    join(world.cacheFolder, 'build.lock'),
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

test('waiting lasts as long as the builder makes progress, and no longer', async () => {
  const folder = temporaryFolder('steering')
  const lockFile = join(folder, 'build.lock')
  let step = 0
  let holderIsDone = false
  const advancing = setInterval(() => (step += 1), 20)
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const hold = () => {
    begun.resolve()
    return end.promise
  }
  const holding = buildOnce(lockFile, async () => false, hold)
  await begun.promise
  const built: string[] = []
  const options = { progress: () => String(step), patienceMs: 400 }
  const waiting = buildOnce(
    lockFile,
    async () => holderIsDone,
    async () => void built.push('beside'),
    options,
  )
  // Three times the patience, in which the holder advances.
  await new Promise((resolve) => setTimeout(resolve, 1200))
  assert.equal(built.length, 0)
  holderIsDone = true
  end.resolve()
  await Promise.all([holding, waiting])
  assert.equal(built.length, 0, 'the waiter takes the holder’s result')

  clearInterval(advancing)
  const again = Promise.withResolvers<void>()
  const hung = buildOnce(
    lockFile,
    async () => false,
    () => again.promise,
  )
  await buildOnce(
    lockFile,
    async () => false,
    async () => void built.push('beside'),
    options,
  )
  assert.deepEqual(built, ['beside'], 'a holder without progress is not waited for')
  again.resolve()
  await hung
})

test('a build reports its progress to this process and to others that wait', async () => {
  const world = smallWorld()
  writeFileSync(join(world.folder, 'city.mmdb'), writeMmdb(manyNetworks()))
  const inputs = tableInputs(world.topology, world.folder)
  const [revision, fingerprint] = [await revisionOf(inputs), await fingerprintOf(inputs.places)]
  const reported: number[] = []
  const onPercent = (percent: number) => void reported.push(percent)
  mkdirSync(world.cacheFolder)
  writeFileSync(join(world.cacheFolder, 'build.progress'), '{"percent":42,"at":1}')
  const hold = Promise.withResolvers<void>()
  const holding = buildOnce(
    join(world.cacheFolder, 'build.lock'),
    async () => false,
    () => hold.promise,
  )
  const waiting = buildRevision({ inputs, fingerprint, revision, cacheFolder: world.cacheFolder, onPercent })
  while (!reported.includes(42)) await new Promise((resolve) => setTimeout(resolve, 20))
  hold.resolve()
  await Promise.all([holding, waiting])
  assert.deepEqual(readdirSync(world.cacheFolder).length, 1, 'nothing but the table is left')
})

test('a database that is replaced while it is being read gives no table under its old name', async () => {
  const world = smallWorld()
  const inputs = tableInputs(world.topology, world.folder)
  const [revision, fingerprint] = [await revisionOf(inputs), await fingerprintOf(inputs.places)]
  writeFileSync(join(world.folder, 'city.mmdb'), writeMmdb([['17.0.0.0/8', newYork]]))
  const { cacheFolder } = world
  await assert.rejects(buildRevision({ inputs, fingerprint, revision, cacheFolder }), {
    code: 'geoip_changed',
  })
  assert.deepEqual(readdirSync(cacheFolder), [])
})

test('a cache folder that cannot be made is named, with what to do', async () => {
  const world = smallWorld()
  writeFileSync(world.cacheFolder, 'a file')
  await assert.rejects(buildTable(world), { code: 'steering_cache_unwritable', message: /cache/ })
})

test('a build that would take the memory of the databases is refused before it starts', () => {
  const { folder } = smallWorld()
  const file = join(folder, 'large.mmdb')
  writeFileSync(file, '')
  truncateSync(file, 1024 ** 3)
  enoughMemory([file], 2 * 1024 ** 3)
  assert.throws(() => enoughMemory([file], 1024 ** 3), {
    code: 'steering_build_memory',
    message: /takes about 1.5 GB/,
  })
})

test('a table with one changed bit is computed again', async () => {
  const world = smallWorld()
  const file = await buildTable(world)
  const bytes = readFileSync(file)
  bytes[bytes.length - 40]! ^= 1
  writeFileSync(file, bytes)
  await assert.rejects(readTable(file), { code: 'steering_table_broken' })
  assert.equal(await buildTable(world), file)
  assert.equal((await readTable(file)).regions.length, 2)
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
