import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { visits } from '../../../../src/lab/users/plan/arrivals.ts'
import { seeded, weighted } from '../../../../src/lab/users/plan/random.ts'
import { shopMix } from '../../../../src/lab/users/plan/shop-mixes.ts'

const plan = (changes: Partial<Parameters<typeof visits>[0]> = {}) => [
  ...visits({
    ratePerSecond: 200,
    mix: shopMix('browse'),
    places: [{ weight: 3 }, { weight: 1 }],
    seed: 7,
    forMs: 60_000,
    ...changes,
  }),
]

/** Without the lead-in, which is not counted. */
const steps = (planned: ReturnType<typeof plan>) =>
  planned.flatMap((visit) => visit.steps).filter(({ atMs }) => atMs >= 0)

test('visits are determined by the seed', () => {
  assert.deepEqual(plan(), plan())
  assert.notDeepEqual(plan().slice(0, 5), plan({ seed: 8 }).slice(0, 5))
})

test('plans the requested number of requests, in the first tenth of the time as in the last', () => {
  let [all, first, last] = [0, 0, 0]
  for (let seed = 0; seed < 20; seed++) {
    const planned = steps(plan({ seed }))
    all += planned.length
    first += planned.filter(({ atMs }) => atMs < 6000).length
    last += planned.filter(({ atMs }) => atMs >= 54_000).length
  }
  // 240,000 requests in visits of 8: four standard deviations are 1.9 % of all and 6 % of a tenth.
  assert.ok(Math.abs(all / 240_000 - 1) < 0.019, `${all}`)
  assert.ok(Math.abs(first / 24_000 - 1) < 0.06, `${first}`)
  assert.ok(Math.abs(last / 24_000 - 1) < 0.06, `${last}`)
})

test('visits start independently: counts per second vary like a Poisson process', () => {
  const mix = { ...shopMix('browse'), steps: 1 }
  const counts = new Map<number, number>()
  for (const { atMs } of steps(plan({ mix, forMs: 1_000_000, ratePerSecond: 50 }))) {
    const second = Math.floor(atMs / 1000)
    counts.set(second, (counts.get(second) ?? 0) + 1)
  }
  const values = Array.from({ length: 1000 }, (_, second) => counts.get(second) ?? 0)
  const mean = values.reduce((sum, value) => sum + value) / 1000
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 1000
  assert.ok(Math.abs(mean - 50) < 1, `${mean}`)
  assert.ok(variance / mean > 0.8 && variance / mean < 1.2, `${variance / mean}`)
})

test('a plan is ordered, within its time, with the requested think times', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 20_000 }),
      (seed, ratePerSecond, forMs) => {
        const mix = { ...shopMix('checkout'), steps: 3, thinkMs: { min: 10, max: 100 } }
        let before = -100
        for (const { steps: own } of plan({ seed, ratePerSecond, forMs, mix })) {
          assert.ok(own.length > 0 && own[0]!.atMs >= before)
          before = own[0]!.atMs
          for (const [i, { atMs, kind }] of own.entries()) {
            assert.ok(atMs >= -100 && atMs < forMs && kind in mix.requests)
            const gap = i === 0 ? 50 : atMs - own[i - 1]!.atMs
            assert.ok(gap >= 10 && gap <= 100)
          }
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('a visit in progress at the start of the run has done a step before', () => {
  const planned = plan({ forMs: 10_000 })
  const atBegin = planned.filter(({ steps }) => steps.some(({ atMs }) => atMs < 0))
  const staying = atBegin.filter(({ steps }) => steps.at(-1)!.atMs >= 0)
  // 25 visits a second begin, each of 8 steps 3 s apart: 21 s from the first to the last.
  assert.ok(staying.length > 400 && staying.length < 650, `${staying.length}`)
  const later = planned.filter(({ steps }) => steps[0]!.atMs >= 0)
  assert.ok(
    later.every(({ steps }) => steps[0]!.kind === 'home'),
    'all other visits start with their first page',
  )
})

test('users and kinds are drawn in proportion to their weights', () => {
  const planned = plan({ forMs: 200_000 })
  const share = planned.filter(({ place }) => place === 0).length / planned.length
  assert.ok(Math.abs(share - 0.75) < 0.02, `${share}`)
  // The first request of a visit is always home; 10 weights share the rest.
  const kinds = steps(planned.filter(({ steps }) => steps[0]!.atMs > 0)).map(({ kind }) => kind)
  const products = kinds.filter((kind) => kind === 'product').length
  assert.ok(Math.abs(products / kinds.length - 0.4 * (7 / 8)) < 0.02, `${products / kinds.length}`)
  const draw = weighted(['never', 'always'], (item) => (item === 'always' ? 1 : 0))
  const random = seeded(1, 'x')
  for (let i = 0; i < 1000; i++) assert.equal(draw(random), 'always')
})
