import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadCities } from '../../src/geo/cities.ts'
import { rttMs, userRttMs } from '../../src/geo/rtt.ts'
import { changed, contradiction, jitterExceedsDelay, linkQuantities } from '../../src/lab/link-change.ts'
import { baseLinks, lineOf, parseRtts, visitorLinks } from '../../src/lab/links.ts'
import { cityNetwork, mostCities, visitor } from '../../src/lab/network/addresses.ts'
import { mostPlaces } from '../../src/lab/users/plan/place.ts'
import { NearsideError } from '../../src/lib/errors.ts'
import { type Quantity, readQuantity } from '../../src/lib/quantities.ts'

const regions = [
  { name: 'us-east', location: { lat: 39.04, lon: -77.49 } },
  { name: 'us-west', location: { lat: 45.84, lon: -119.7 } },
  { name: 'us-central', location: { lat: 41.26, lon: -95.86 } },
]
const names = regions.map((region) => region.name)
const delays = (measured?: Record<string, number>) =>
  Object.fromEntries(
    baseLinks(regions, measured).map(({ from, to, params }) => [`${from} ${to}`, params.delayMs]),
  )
const refusal = (text: string) => {
  try {
    parseRtts(text, 'rtts.csv', names)
  } catch (error) {
    assert.ok(error instanceof NearsideError)
    return error.message
  }
  return assert.fail(`${JSON.stringify(text)} was taken`)
}

test('each direction of each pair has a link with half of the model’s round trip and no impairment', () => {
  const links = baseLinks(regions)
  assert.equal(links.length, 6)
  for (const { from, to, params } of links) {
    const [a, b] = [from, to].map((name) => regions.find((region) => region.name === name)!.location)
    assert.deepEqual(params, lineOf(rttMs(a!, b!) / 2))
  }
})

test('a measured round trip overrides the model in both directions', () => {
  const found = delays({ 'us-west us-east': 70 })
  assert.deepEqual([found['us-east us-west'], found['us-west us-east']], [35, 35])
  assert.equal(found['us-east us-central'], delays()['us-east us-central'])
})

test('a later measurement overrides the topology’s', () => {
  const params = (...sources: Record<string, number>[]) =>
    baseLinks(regions, ...sources).find(({ from, to }) => from === 'us-east' && to === 'us-west')!.params
  assert.equal(params({ 'us-west us-east': 70 }, { 'us-east us-west': 50 }).delayMs, 35)
  assert.equal(params({ 'us-east us-central': 70 }, { 'us-east us-west': 50 }).delayMs, 25)
})

test('a file of round trips may have a header, comments, quotes and other separators', () => {
  const pair = { 'us-east us-west': 62.5 }
  for (const text of [
    'us-east,us-west,62.5',
    'from,to,rttMs\nus-east,us-west,62.5\n',
    '# measured in May\n\nus-east; us-west; 62.5\r\n',
    '"us-east"\t"us-west"\t62.5',
  ])
    assert.deepEqual(parseRtts(text, 'rtts.csv', names), pair, text)
})

test('a pair measured from both ends gets the mean', () => {
  const found = parseRtts('us-east,us-west,60\nus-west,us-east,64\n', 'rtts.csv', names)
  assert.deepEqual(found, { 'us-east us-west': 62, 'us-west us-east': 62 })
})

test('all problems of a file are reported at once, by line', () => {
  const said = refusal(
    'us-east,us-west,62\nus-esat,us-west,62\nus-east,us-east,1\nus-east,us-west,7\nus-west,us-central,fast\nus-west,us-central\n',
  )
  assert.deepEqual(said.split('\n'), [
    'rtts.csv',
    '  line 2: "us-esat" is not a region of the topology; did you mean us-east?',
    '  line 3: us-east has no link to itself',
    '  line 4: us-east,us-west is listed twice',
    '  line 5: expected a round trip from 0 to 10000 ms, got "fast"',
    '  line 6: expected from,to,rttMs, got "us-west,us-central"',
  ])
  assert.match(refusal(''), /no round trips found/)
  assert.match(refusal('us-east,us-west,-1'), /from 0 to 10000 ms/)
})

test('any text is accepted or refused, without a crash', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        parseRtts(text, 'rtts.csv', names)
      } catch (error) {
        assert.ok(error instanceof NearsideError)
      }
    }),
  )
})

test('quantities need units', () => {
  const { delay, loss, rate } = linkQuantities
  const read = (quantity: Quantity) => (text: string) => readQuantity(quantity, '--option', text)
  const [delayOf, shareOf, rateOf] = [read(delay), read(loss), read(rate)]
  for (const [text, ms] of [
    ['40ms', 40],
    ['0.5s', 500],
    ['0', 0],
  ] as const)
    assert.equal(delayOf(text), ms)
  for (const [text, share] of [
    ['1%', 0.01],
    ['0.01', 0.01],
    ['100%', 1],
    ['0', 0],
  ] as const)
    assert.equal(shareOf(text), share)
  for (const [text, bits] of [
    ['100mbit', 1e8],
    ['1.5Gbit', 1.5e9],
    ['512kbit', 512_000],
    ['none', 0],
  ] as const)
    assert.equal(rateOf(text), bits)
  for (const bad of ['', '40', 'x', '-1ms', '61s', '40 km', 'NaN'])
    assert.throws(() => delayOf(bad), /such as 40ms/)
  for (const bad of ['', '2', '101%', '-1%', 'all']) assert.throws(() => shareOf(bad), /such as 1%/)
  for (const bad of ['', '100', '10bit', 'fast', '-1mbit'])
    assert.throws(() => rateOf(bad), /such as 100mbit/)
})

test('contradictions and a jitter above the delay are reported', () => {
  assert.match(contradiction({ cut: false }, ['--cut', '--no-cut']) ?? '', /contradicts --cut$/)
  assert.match(
    contradiction({ cutOneWay: true }, ['--cut-one-way', '--no-cut']) ?? '',
    /contradicts --cut-one-way$/,
  )
  assert.equal(contradiction({ cut: false }, ['--no-cut']), undefined)
  assert.ok(jitterExceedsDelay({ ...lineOf(5), jitterMs: 10 }))
  assert.ok(!jitterExceedsDelay({ ...lineOf(5), jitterMs: 5 }))
})

test('a change of a link keeps its other settings', () => {
  const now = { delayMs: 30, jitterMs: 2, lossShare: 0.1, rateBitsPerSecond: 1e6, cut: true }
  assert.deepEqual(changed(now, {}), now)
  assert.deepEqual(changed(now, { delay: 40 }), { ...now, delayMs: 40 })
  assert.deepEqual(changed(now, { loss: 0, rate: 0 }), { ...now, lossShare: 0, rateBitsPerSecond: 0 })
  assert.deepEqual(changed(now, { cut: false }), { ...now, cut: false })
  assert.equal(changed({ ...now, cut: false }, { cutOneWay: true }).cut, true)
})

test('the visitor is located at the first region that serves, in a network outside those of all places', async () => {
  const served = regions.map((region) => ({ ...region, serves: region.name !== 'us-central' }))
  const links = visitorLinks([served[2]!, served[0]!, served[1]!])
  assert.deepEqual(
    links.map(({ from, to, params }) => [from, to, params.delayMs]),
    [served[0]!, served[1]!].flatMap(({ name, location }) => {
      const ms = userRttMs(served[0]!.location, location) / 2
      return [
        ['visitor:1', name, ms],
        [name, 'visitor:1', ms],
      ]
    }),
  )
  assert.equal(visitor.address, visitor.network.replace(/0\/24$/, '1'))
  const cities = await loadCities()
  const highest = cities.reduce((most, { rank }) => Math.max(most, rank), 0)
  const taken = (number: number) => cityNetwork(number) === visitor.network
  const free = Array.from({ length: mostCities - mostPlaces }, (_, k) => k).filter(taken)
  assert.equal(free.length, 1)
  assert.ok(free[0]! > highest)
})
