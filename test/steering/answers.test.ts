import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cover, uniformCover } from '../../src/geo/cover.ts'
import { contains, formatPrefix, parseAddress } from '../../src/geo/prefix.ts'
import { computeAnswers } from '../../src/steering/answers.ts'
import { type Availability, type AvailabilityByRegion, rampShare } from '../../src/steering/availability.ts'
import type { SteeringTable } from '../../src/steering/table.ts'

const unhealthy: Availability = { kind: 'unhealthy' }
const unreachable = { kind: 'unreachable' } as const
const ramping = (share: number): Availability => ({ kind: 'healthy', share })

const location = { lat: 0, lon: 0 }
/** 256 IPv4 prefixes: below 128.0.0.0 a is nearest, then b, then c; above it c, then a, then b. IPv6: b, a, c. */
const table: SteeringTable = {
  regions: ['a', 'b', 'c'].map((name) => ({ name, location })),
  rankings: [Uint8Array.of(0, 1, 2), Uint8Array.of(2, 0, 1), Uint8Array.of(1, 0, 2)],
  covers: [
    cover(
      4,
      new Uint8Array(256).fill(8),
      Uint32Array.from({ length: 256 }, (_, at) => (at < 128 ? 0 : 1)),
    ),
    uniformCover(6, 2),
  ],
}

function answerFor(answers: ReturnType<typeof computeAnswers>, text: string): string {
  const address = parseAddress(text)!
  const holding = [...answers.nets()].filter((net) => contains(net, address))
  assert.equal(holding.length, 1, 'every address must be in exactly one net')
  return table.regions[holding[0]!.value]!.name
}

const low = '9.9.9.9'
const high = '200.9.9.9'
const choices = (availability: AvailabilityByRegion) => {
  const answers = computeAnswers(table, availability)
  return [low, high, '2600::1'].map((address) => answerFor(answers, address)).join(' ')
}

test('everyone gets the nearest healthy region', () => {
  assert.equal(choices({}), 'a c b')
  assert.equal(choices({ a: unhealthy }), 'b c b')
  assert.equal(choices({ b: unhealthy }), 'a c a')
  assert.equal(choices({ a: unhealthy, c: unhealthy }), 'b b b')
})

test('when no region is healthy, everyone still gets the nearest', () => {
  assert.equal(choices({ a: unhealthy, b: unhealthy, c: unhealthy }), 'a c b')
})

test('when no region is healthy, one that answers comes before one that is unreachable', () => {
  assert.equal(choices({ a: unreachable, b: unhealthy, c: unreachable }), 'b b b')
  assert.equal(choices({ a: unreachable, b: unreachable, c: unreachable }), 'a c b')
})

test('prefixes with the same answer are merged', () => {
  const nets = [...computeAnswers(table, {}).nets()].map(formatPrefix)
  assert.deepEqual(nets, ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1'])
})

test('a returning region gets its users back gradually, the same ones first, and never loses any again', () => {
  const shares = [0.1, 0.2, 0.3, 0.5, 0.9, 1]
  const steps = shares.map((share) => computeAnswers(table, { a: ramping(share) }))
  const users = Array.from({ length: 128 }, (_, network) => `${network}.1.2.3`)
  const back = steps.map((answers) => users.filter((user) => answerFor(answers, user) === 'a'))
  for (const [step, share] of shares.entries()) {
    const expected = share * users.length
    assert.ok(Math.abs(back[step]!.length - expected) < 20, `${back[step]!.length} users at ${share}`)
    if (step > 0) assert.ok(back[step - 1]!.every((user) => back[step]!.includes(user)))
  }
  assert.equal(back.at(-1)!.length, users.length)
  // The rest stay where they were during the outage, and users of other regions are not moved.
  assert.ok(users.every((user) => ['a', 'b'].includes(answerFor(steps[0]!, user))))
  assert.equal(answerFor(steps[0]!, high), 'c')
})

test('very large prefixes are split during a ramp, so they do not come back all at once', () => {
  const coarse: SteeringTable = { ...table, covers: [uniformCover(4, 0), uniformCover(6, 0)] }
  const answers = computeAnswers(coarse, { a: ramping(0.5) })
  const toA = Array.from({ length: 256 }, (_, network) => answerFor(answers, `${network}.0.0.1`)).filter(
    (region) => region === 'a',
  )
  assert.ok(toA.length > 90 && toA.length < 166, `${toA.length} of 256`)
})

test('the only healthy region takes everyone, however early in its ramp', () => {
  assert.equal(choices({ a: ramping(0.1), b: unhealthy, c: unhealthy }), 'a a a')
  assert.equal(choices({ a: ramping(0), b: ramping(0), c: unhealthy }), 'a a b')
})

test('the share of a returning region grows in ten steps, the first of them immediate', () => {
  const at = [0, 2999, 3000, 15_000, 27_000, 29_999, 30_000, 99_999].map((ms) => rampShare(ms, 30))
  assert.deepEqual(at, [0.1, 0.1, 0.2, 0.6, 1, 1, 1, 1])
  assert.equal(rampShare(0, 0), 1)
  assert.equal(rampShare(-5, 30), 0.1)
})
