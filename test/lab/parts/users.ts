import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { readWorld } from '../../../src/agent/layout.ts'
import { ask } from '../../../src/engines/knot/ask.ts'
import type { Location } from '../../../src/geo/distance.ts'
import { parsePrefix } from '../../../src/geo/prefix.ts'
import { userRttMs } from '../../../src/geo/rtt.ts'
import type { UsersResult } from '../../../src/lab/users/result.ts'
import { Operator } from '../../support/lab/operator.ts'
import type { LabWorld } from '../../support/lab/world.ts'
import { type MmdbEntry, writeMmdb } from '../../support/mmdb.ts'
import { twoRegionsAndWitness, type WorldOptions } from '../../support/world.ts'

/** A city near each region, and one far from both. */
const cities = {
  Boston: { network: '9.1.0.0/16', latitude: 42.36, longitude: -71.06, region: 'us-east' },
  Seattle: { network: '9.2.0.0/16', latitude: 47.61, longitude: -122.33, region: 'us-west' },
  Honolulu: { network: '9.3.0.0/16', latitude: 21.31, longitude: -157.86, region: 'us-west' },
} as const

const database = 'cities.mmdb'

/** Topology settings for these users. Writes the GeoIP database of their networks into the topology's folder. */
export function withCities(folder: string): WorldOptions['topology'] {
  const entries = Object.values(cities).map(({ network, latitude, longitude }): MmdbEntry => {
    return [network, { latitude, longitude }]
  })
  writeFileSync(join(folder, database), writeMmdb(entries))
  // The speed of a busy machine does not matter here.
  return { steering: { geoip: [database], rampSeconds: 0 }, slo: { latencyMs: 10_000 } }
}

/** `nearside lab users` as a command, with real DNS, latencies and answers. */
export function users(lab: () => LabWorld): void {
  const operator = new Operator(lab)
  const run = (...args: string[]) =>
    // Keeps the cached index in this lab's folder.
    operator.run(['lab', 'users', ...args], { XDG_CACHE_HOME: join(operator.folder, 'cache') })

  suite('users', () => {
    test('users of three cities are sent to the nearest region, with the latency of the model', async (t) => {
      const { world } = lab()
      // A region that an earlier part cut off gets its users back once it is healthy again.
      await world.until('DNS to send all users to their region', async () => {
        const { domain, ports } = (await readWorld(world.folder)).topology
        const asked = ['us-east', 'us-west'].flatMap((server) =>
          Object.values(cities).map(async ({ network, region }) => {
            const question = { name: domain, type: 'A', subnet: parsePrefix(network)! } as const
            const at = { address: world.address(server), port: ports.dns }
            const reply = await ask(at, question, { timeoutMs: 1000, resendMs: 200 })
            return reply?.records.some(({ data }) => data === world.address(region))
          }),
        )
        return (await Promise.all(asked)).every(Boolean)
      })
      const [mix, page] = [join(operator.folder, 'mix.yaml'), join(operator.folder, 'users.html')]
      writeFileSync(
        mix,
        'steps: 10\nthink: 100ms-200ms\nassets: false\nrequests: { home: { get: / }, page: { get: /page } }\n',
      )
      const { code, stdout, stderr } = await run(
        ...['--places', Object.keys(cities).join(','), '--mix', mix],
        ...['--rate', '60/s', '--for', '4s', '--seed', '1', '--json', '--report', page],
      )
      assert.equal(code, 0, stderr)
      const { distances, all, errors, kinds, regions, places, served, slo } = JSON.parse(
        stdout,
      ) as UsersResult
      assert.deepEqual([distances, all.failed, errors, slo.met], [true, 0, [], true])
      assert.ok(all.requests > 100)
      assert.deepEqual(kinds.map(({ name }) => name).sort(), ['home', 'page'])
      assert.deepEqual(regions.map(({ name }) => name).sort(), ['us-east', 'us-west'])
      assert.ok(served.every(({ edge, servedBy }) => edge === servedBy))

      const met = Object.entries(cities).map(([name, { region }]) => {
        const place = places.find((one) => one.name.startsWith(name))
        assert.ok(place, name)
        assert.deepEqual(
          place.edges.map((edge) => edge.name),
          [region],
          name,
        )
        const modelMs = userRttMs(place.location, twoRegionsAndWitness[region]!.location as Location)
        t.diagnostic(`${place.name}: model ${modelMs.toFixed(1)} ms, p50 ${place.latency.p50.toFixed(1)} ms`)
        return { modelMs, p50Ms: place.latency.p50 }
      })
      const [, near, far] = met
      // No answer takes less than a round trip, and the region's own time is the same for both.
      for (const { modelMs, p50Ms } of met) assert.ok(p50Ms > modelMs - 1, `${p50Ms} ms`)
      const [differenceMs, expectedMs] = [far!.p50Ms - near!.p50Ms, far!.modelMs - near!.modelMs]
      assert.ok(Math.abs(differenceMs - expectedMs) < expectedMs / 2, `${differenceMs}, not ${expectedMs} ms`)
      assert.match(readFileSync(page, 'utf8'), /^<!doctype html>[\s\S]*Honolulu/i)
    })

    test('an unknown place gets a suggestion', async () => {
      const { code, stderr } = await run('--places', 'Bostn')
      assert.equal(code, 2)
      assert.match(stderr, /did you mean Boston\?/)
    })
  })
}
