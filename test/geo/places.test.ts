import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Reader } from 'mmdb-lib'
import { loadPlaces } from '../../src/geo/load-places.ts'
import { inner, type PlaceTree } from '../../src/geo/place-tree.ts'
import { resolveGeoip } from '../../src/geo/places.ts'
import { bitAt, parseAddress } from '../../src/geo/prefix.ts'
import { cityDatabases } from '../support/city-databases.ts'
import { writeMmdb } from '../support/mmdb.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

const newYork = { latitude: 40.7, longitude: -74.5 }

function folderWith(files: Record<string, Buffer>): string {
  const folder = temporaryFolder('places')
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  return folder
}

const rejectedWith =
  (code: string, text: RegExp) => (error: { code?: string; message: string; remedy?: string }) => {
    assert.equal(error.code, code)
    assert.match(`${error.message} ${error.remedy}`, text)
    return true
  }

test('a geoip entry is a path from the topology file’s folder, or a file in an installed package', () => {
  const folder = folderWith({
    'data/city.mmdb': Buffer.of(1),
    'node_modules/@maker/city/ipv4.mmdb': Buffer.of(1),
    'node_modules/plain/deep/ipv6.mmdb': Buffer.of(1),
    'apps/shop/x': Buffer.of(1),
  })
  const app = join(folder, 'apps/shop')
  assert.deepEqual(
    resolveGeoip(
      [
        '../../data/city.mmdb',
        join(folder, 'data/city.mmdb'),
        'npm:@maker/city/ipv4.mmdb',
        'npm:plain/deep/ipv6.mmdb',
      ],
      app,
    ),
    [
      'data/city.mmdb',
      'data/city.mmdb',
      'node_modules/@maker/city/ipv4.mmdb',
      'node_modules/plain/deep/ipv6.mmdb',
    ].map((path) => join(folder, path)),
  )
})

test('the error for a missing database names the entry, the missing part and a remedy', () => {
  const folder = folderWith({ 'node_modules/city/a.mmdb': Buffer.of(1) })
  const cases: [string, RegExp][] = [
    ['city.mmdb', /steering\.geoip\[0\].*no such file: .*city\.mmdb/],
    ['npm:other/a.mmdb', /package other is not installed.*npm install other/],
    ['npm:city/b.mmdb', /city has no file b\.mmdb/],
    ['npm:city', /not "npm:<package>\/<file>"/],
    ['npm:city/../../secret', /not "npm:<package>\/<file>"/],
    ['npm:@city/a.mmdb', /not "npm:<package>\/<file>"/],
  ]
  for (const [entry, text] of cases) {
    assert.throws(() => resolveGeoip([entry], folder), rejectedWith('geoip_missing', text), entry)
  }
})

test('two databases of the same family, or a folder, are refused', async () => {
  const folder = folderWith({
    'a.mmdb': writeMmdb([['9.0.0.0/8', newYork]]),
    'b.mmdb': writeMmdb([['17.0.0.0/8', newYork]]),
  })
  const files = [join(folder, 'a.mmdb'), join(folder, 'b.mmdb')]
  await assert.rejects(loadPlaces(files), rejectedWith('geoip_twice', /b\.mmdb.*IPv4/))
  await assert.rejects(loadPlaces([folder]), rejectedWith('geoip_unusable', /not a file/))
})

function placeOf(tree: PlaceTree, text: string) {
  const address = parseAddress(text)!
  let record = tree.root
  for (let depth = 0; tree.placeAt(record) === inner; depth++) {
    record = bitAt(address.high, address.low, depth) ? tree.right(record) : tree.left(record)
  }
  return tree.locations[tree.placeAt(record)]
}

test('real city databases read the same as with MaxMind’s own reader', async () => {
  const [ipv4, ipv6] = await loadPlaces(cityDatabases.files)
  const readers = cityDatabases.files.map((_, index) => new Reader<never>(cityDatabases.read(index)))
  let known = 0
  for (let step = 0; step < 2000; step++) {
    const mixed = Math.imul(step, 0x9e3779b1) >>> 0
    const v4 = [mixed >>> 24, (mixed >>> 16) & 255, (mixed >>> 8) & 255, 1].join('.')
    const v6 = `2${(mixed >>> 20).toString(16).padStart(3, '0')}:${(mixed & 0xffff).toString(16)}::`
    for (const [tree, reader, address] of [
      [ipv4!, readers[0]!, v4],
      [ipv6!, readers[1]!, v6],
    ] as const) {
      const record = reader.get(address) as { latitude: number; longitude: number } | null
      const place = placeOf(tree, address)
      assert.deepEqual(
        place && [place.lat, place.lon],
        record ? [record.latitude, record.longitude] : undefined,
        address,
      )
      if (place) known++
    }
  }
  assert.ok(known > 1000, `${known} known places`)
})
