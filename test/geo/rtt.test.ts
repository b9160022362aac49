import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { measuredRoundTrips } from '../../scripts/rtt/data.ts'
import { fitError, fitRtt } from '../../scripts/rtt/line.ts'
import { distanceKm, type Location } from '../../src/geo/distance.ts'
import { fibreRoundTripMs, rttModel, rttMs, userRttMs } from '../../src/geo/rtt.ts'

const ashburn = { lat: 39.04, lon: -77.49 }
const boardman = { lat: 45.84, lon: -119.7 }
const location: fc.Arbitrary<Location> = fc.record({
  lat: fc.double({ min: -90, max: 90, noNaN: true }),
  lon: fc.double({ min: -180, max: 180, noNaN: true }),
})

test('both directions take the same time, and no round trip is faster than light in fibre', () => {
  fc.assert(
    fc.property(location, location, (a, b) => {
      assert.ok(Math.abs(rttMs(a, b) - rttMs(b, a)) < 1e-9)
      assert.ok(rttMs(a, b) > fibreRoundTripMs(a, b))
      assert.ok(rttMs(a, b) < 400, 'halfway around the earth is 20,015 km')
    }),
  )
})

test('a longer distance is never faster', () => {
  fc.assert(
    fc.property(location, location, location, (from, a, b) => {
      const [nearer, farther] = distanceKm(from, a) <= distanceKm(from, b) ? [a, b] : [b, a]
      assert.ok(rttMs(from, nearer) <= rttMs(from, farther))
    }),
  )
})

test('equal coordinates are the constant apart, and a home adds one last mile anywhere', () => {
  fc.assert(
    fc.property(location, location, (a, b) => {
      assert.equal(rttMs(a, a), rttModel.constantMs)
      assert.ok(Math.abs(userRttMs(a, b) - rttMs(a, b) - rttModel.lastMileMs) < 1e-9)
    }),
  )
})

test('coast to coast in the United States takes 60 to 70 ms, as clouds measure it', () => {
  const ms = rttMs(ashburn, boardman)
  assert.ok(ms > 60 && ms < 70, `${ms}`)
})

test('the fit recovers the line behind the measurements, even when a tenth of them took a detour', () => {
  const places = [
    ashburn,
    boardman,
    { lat: 51.5, lon: 0 },
    { lat: 1.35, lon: 103.8 },
    { lat: -33.9, lon: 151.2 },
  ]
  const measured = places.flatMap((from, row) =>
    places.flatMap((to, column) => {
      if (row === column) return []
      const detour = row === 0 && column > 2 ? 150 : 0
      return [{ from, to, rttMs: fibreRoundTripMs(from, to) * 1.37 + 6.5 + detour }]
    }),
  )
  assert.deepEqual(fitRtt(measured), { pathFactor: 1.37, constantMs: 6.5 })
})

test('measurements are read from a JSON list, from CSV rows and from a CSV matrix with coordinates', () => {
  const a = { lat: 1, lon: 2 }
  const b = { lat: 3, lon: 4 }
  const list = JSON.stringify([
    { region: 'a', ...a, rttMs: { a: 1, b: 10, gone: 5 } },
    { region: 'b', ...b, rttMs: { a: 12 } },
  ])
  const both = [
    { from: a, to: b, rttMs: 10 },
    { from: b, to: a, rttMs: 12 },
  ]
  assert.deepEqual(measuredRoundTrips([{ name: 'x.json', text: list }]), both)
  const rows = 'from_lat,from_lon,to_lat,to_lon,rtt_ms\n1,2,3,4,10\r\n3,4,1,2,12\n'
  assert.deepEqual(measuredRoundTrips([{ name: 'x.csv', text: rows }]), both)
  const matrix = { name: 'm.csv', text: 'Source,Place A,Place B\nPlace A,,10\nPlace B,12,' }
  const places = { name: 'p.json', text: JSON.stringify({ placea: a, placeb: b }) }
  assert.deepEqual(measuredRoundTrips([matrix, places]), both)
  assert.throws(() => measuredRoundTrips([matrix]), /m\.csv: no JSON file has the coordinates of "Place A"/)
  assert.throws(() => measuredRoundTrips([{ name: 'x.json', text: '7' }]), /x\.json/)
})

const dataFolder = process.env.NEARSIDE_LATENCY_DATA
test('the constants match the measurements, and the stated errors hold on measurements outside the fit', {
  skip: dataFolder
    ? false
    : 'NEARSIDE_LATENCY_DATA is not set: a folder with azure-2026 and aws-2024, see docs/decisions/0036-rtt-model.md',
}, () => {
  const [fitted, checked] = ['azure-2026', 'aws-2024'].map((set) => {
    const folder = join(dataFolder!, set)
    const files = readdirSync(folder).filter((name) => /\.(csv|json)$/.test(name))
    return measuredRoundTrips(files.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })))
  })
  assert.deepEqual(fitRtt(fitted!), { pathFactor: rttModel.pathFactor, constantMs: rttModel.constantMs })
  const errorOn = (measured: typeof fitted, withinKm: number) => {
    const pairs = measured!.filter(({ from, to }) => distanceKm(from, to) <= withinKm)
    const { medianMs, p95Ms } = fitError(pairs, rttModel)
    return [medianMs, p95Ms].map((ms) => ms.toFixed(1))
  }
  assert.deepEqual(errorOn(fitted, 40_000), ['15.0', '89.1'])
  assert.deepEqual(errorOn(checked, 40_000), ['15.4', '122.3'])
  assert.deepEqual(errorOn(fitted, 3000), ['3.0', '12.6'])
  assert.deepEqual(errorOn(checked, 3000), ['3.0', '9.6'])
})
