import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createKnotSteering, type KnotSteering } from '../../../src/engines/knot/steering.ts'
import { formatPrefix } from '../../../src/geo/prefix.ts'
import { computeAnswers } from '../../../src/steering/answers.ts'
import { buildTable, readTable } from '../../../src/steering/build.ts'
import type { SteeringTable } from '../../../src/steering/table.ts'
import { cityPlaces, networksIn } from '../../support/city-databases.ts'
import { knotTopology, startKnot, type TestKnot } from '../../support/knot.ts'
import { temporaryFolder } from '../../support/sandboxed.ts'
import { locate, rankingOf } from '../../support/steering-table.ts'

/** Fewer than the 322,000 prefixes that these two regions would have without a bound. */
const maxPrefixes = 200_000

/** The real databases and a real Knot in each region. */
let knots: TestKnot[] = []
let steerings: KnotSteering[]
let table: SteeringTable
const newYork = ([4, 6] as const).flatMap((family) =>
  networksIn({ city: 'New York', country: 'US' }, family, 20),
)
const losAngeles = ([4, 6] as const).flatMap((family) =>
  networksIn({ city: 'Los Angeles', country: 'US' }, family, 20),
)

before(async () => {
  const topology = await knotTopology({ steering: { geoip: cityPlaces, maxPrefixes } })
  table = await readTable(
    await buildTable({ topology, folder: import.meta.dirname, cacheFolder: temporaryFolder('steering') }),
  )
  knots = await Promise.all(['us-east', 'us-west'].map((name) => startKnot(topology, name)))
  steerings = knots.map(({ control }) => createKnotSteering({ topology, table, control }))
})
after(() => Promise.all(knots.map((knot) => knot.stop())))

/** Share of the networks that each Knot sends to the region with this index. */
async function shareTo(region: number, networks: string[]): Promise<number[]> {
  return Promise.all(
    knots.map(async (knot) => {
      const address = `${knot.topology.network.base}.${region}.1`
      let right = 0
      for (const network of networks) if ((await knot.answer(network)).startsWith(`${address} `)) right++
      return right / networks.length
    }),
  )
}

test('the table respects its bound and comes close to it', () => {
  const count = table.covers[0].lengths.length + table.covers[1].lengths.length
  assert.ok(count <= maxPrefixes && count > maxPrefixes * 0.95, `${count} prefixes`)
})

test('a bound costs few of the networks whose city is known, in both families', () => {
  for (const { misled, countryOnly } of table.summary!) {
    assert.ok(misled.networks < 0.02 && misled.addresses < 0.01, JSON.stringify(misled))
    assert.ok(countryOnly.networks > 0.2, JSON.stringify(countryOnly))
  }
})

test('a carrier of the whole country, whose networks mostly lack a city, is not sent to one coast', () => {
  // 2600:1010::/28 is Verizon Wireless: of its networks with a city, 45 % are nearer to the west.
  const shareToWest = (step: number) => {
    const address = { family: 6, high: 0x26001010 + (step >> 5), low: ((step & 31) << 27) >>> 0 } as const
    const { family, index } = locate(table, address)
    return rankingOf(table, family, index)[0] === 1 ? 1 / 512 : 0
  }
  const share = Array.from({ length: 512 }, (_, step) => shareToWest(step)).reduce((sum, part) => sum + part)
  assert.ok(share > 0.2 && share < 0.8, `${share} to the west`)
})

test('users in New York get the east and users in Los Angeles the west, from either region’s server', async () => {
  for (const steering of steerings) assert.equal((await steering.reconcile({})).kind, 'applied')
  for (const share of await shareTo(1, newYork)) assert.ok(share >= 0.95, `New York: ${share} to the east`)
  for (const share of await shareTo(2, losAngeles))
    assert.ok(share >= 0.95, `Los Angeles: ${share} to the west`)
})

test('the scope of every answer is the net in the table', async () => {
  const nets = [...computeAnswers(table, {}).nets()]
  const { base } = knots[0]!.topology.network
  for (const family of [4, 6]) {
    const own = nets.filter((net) => net.family === family)
    // From the second on: the first contains the answer for clients that disclose nothing (see `withGeneric`).
    for (let index = 1; index < own.length; index += Math.ceil(own.length / 100)) {
      const net = own[index]!
      assert.equal(await knots[0]!.answer(formatPrefix(net)), `${base}.${net.value + 1}.1 /${net.length}`)
    }
  }
})

test('while the east is unhealthy everyone gets the west; afterwards it gets its users back gradually', async () => {
  const reconcile = (availability: Parameters<KnotSteering['reconcile']>[0]) =>
    Promise.all(steerings.map((steering) => steering.reconcile(availability)))
  await reconcile({ 'us-east': { kind: 'unhealthy' } })
  assert.deepEqual(await shareTo(2, [...newYork, ...losAngeles]), [1, 1])
  await reconcile({ 'us-east': { kind: 'healthy', share: 0.5 } })
  const half = await shareTo(1, newYork)
  assert.ok(half[0]! > 0.1 && half[0]! < 0.9, `${half} of New York is back`)
  assert.equal(half[0], half[1], 'both servers must choose the same users')
  for (const share of await shareTo(2, losAngeles)) assert.ok(share >= 0.95)
  await reconcile({ 'us-east': { kind: 'unhealthy' }, 'us-west': { kind: 'unhealthy' } })
  for (const share of await shareTo(1, newYork)) assert.ok(share >= 0.95, 'fail open')
})
