import type { Benchmark, Figure, Unit } from './figure.ts'
import { inLab } from './lab/in-lab.ts'
import { writeKind } from './lab/mix.ts'
import type { Visits } from './lab/visits.ts'

const ratePerSecond = 60
const secondsEach = 60
const latencyMs = 100
const targetPercent = 95

export const users: Benchmark = {
  name: 'users',
  title: 'Latency of users across a continent',
  how: `In a lab: users in the cities of the United States, drawn by population, ${ratePerSecond} requests a second for ${secondsEach} s a run, one
in twenty an order in the example's shop, the others pages of it. Each user queries a region's name server with its own
network (no answer is cached), connects from its city to the region that it is named, and keeps the connection
during its visit, eight requests on average (no assets: they are fast and many). Latency: from when a request was due,
including DNS and connecting where needed. With one region (east, durability “local”), with two (east and west, durability
“region”) and with three (the witness in the middle gets app and data too), a world each, with the same visits. West begins
at the Rocky Mountains.`,
  async run({ runs = 1, seed }, say) {
    const part = (full: string[]) =>
      inLab('visitsInLab', { full, ratePerSecond, seconds: secondsEach * runs, seed }, say)
    const one = await part(['us-east'])
    const two = await part(['us-east', 'us-west'])
    return figuresOf(one, two, await part(['us-east', 'us-west', 'us-central']))
  },
}

type Measure = (visits: Visits) => number

/** Compares the same visits to a site in one, two and three regions. Pure. */
export function figuresOf(one: Visits, two: Visits, three: Visits): Figure[] {
  const toOne = versus('one region', one, two)
  const toTwo = versus('two regions', two, three)
  const areas = two.areas.map(({ name }) => name).sort()
  return [
    {
      what: `within ${latencyMs} ms, two regions, all requests`,
      value: fast(two),
      unit: '%',
      target: { atLeast: targetPercent },
      note: described(two),
    },
    {
      what: '  bound set by distance alone',
      value: percent(two.bound),
      unit: '%',
      note: `by the round-trip model; one region ${percent(one.bound).toFixed(1)} %, three ${percent(three.bound).toFixed(1)} %`,
    },
    {
      what: '  on an open connection, two regions',
      value: fastWarm(two),
      unit: '%',
      target: { atLeast: targetPercent },
      note: `the others, ${(100 * (two.cold.requests / two.all.requests)).toFixed(1)} % of all, also queried DNS or connected`,
    },
    {
      what: `users with at least half of their answers within ${latencyMs} ms`,
      value: usersFast(two),
      unit: '%',
      target: { atLeast: targetPercent },
      note: `with one region ${usersFast(one).toFixed(1)} %`,
    },
    toOne(`within ${latencyMs} ms`, '%', fast, `one region: ${described(one)}`),
    ...areas.map((name) =>
      toOne(
        `  ${name}`,
        '%',
        (visits) => percent(areaOf(visits, name).fastShare),
        `${areaOf(two, name).requests} requests`,
      ),
    ),
    toOne('  on an open connection', '%', fastWarm),
    toOne('  reads', '%', fastReads),
    toOne('  writes', '%', fastWrites),
    ...areas.flatMap((name) => [
      toOne(`${name}, median`, 'ms', (visits) => areaOf(visits, name).latency.p50),
      toOne(`${name}, 95th percentile`, 'ms', (visits) => areaOf(visits, name).latency.p95),
    ]),
    toOne('writes, median', 'ms', writesMedian),
    toTwo(`within ${latencyMs} ms, three regions`, '%', fast, `three regions: ${described(three)}`),
    ...areas.map((name) => toTwo(`  ${name}`, '%', (visits) => percent(areaOf(visits, name).fastShare))),
    toTwo('  on an open connection', '%', fastWarm),
    toTwo('  reads', '%', fastReads),
    toTwo('  writes', '%', fastWrites),
    toTwo('  users with at least half of their answers in time', '%', usersFast),
    toTwo('writes, median', 'ms', writesMedian),
    failures('two', two),
    failures('three', three),
  ]
}

const versus =
  (name: string, before: Visits, after: Visits) =>
  (what: string, unit: Unit, of: Measure, note?: string): Figure => {
    const [value, peer] = [of(after), of(before)]
    const ratio = peer === 0 ? 1 : value / peer
    return {
      ...{ what, value, unit },
      peer: { name, value: peer, ratio, ratioSpread: [ratio, ratio] },
      ...(note === undefined ? {} : { note }),
    }
  }

const percent = (share: number) => share * 100
const areaOf = (visits: Visits, name: string) => visits.areas.find((area) => area.name === name)!
const ordersOf = (visits: Visits) => visits.kinds.find(({ name }) => name === writeKind)!

const fast: Measure = ({ all }) => percent(all.fastShare)
const fastWarm: Measure = ({ warm }) => percent(warm.fastShare)
const fastWrites: Measure = (visits) => percent(ordersOf(visits).fastShare)
const usersFast: Measure = ({ slo }) => percent(slo.usersFastShare)
const writesMedian: Measure = (visits) => ordersOf(visits).latency.p50

const fastReads: Measure = (visits) => {
  const { all } = visits
  const orders = ordersOf(visits)
  const inTime = all.fastShare * all.requests - orders.fastShare * orders.requests
  return percent(inTime / (all.requests - orders.requests))
}

const failures = (regions: string, { all, errors }: Visits): Figure => ({
  what: `failed requests, ${regions} regions`,
  value: all.failed,
  unit: '',
  target: { atMost: 0 },
  note: errors.map(({ error, count }) => `${error}: ${count}`).join('; '),
})

function described(visits: Visits): string {
  const { users, all, effort } = visits
  const writes = ordersOf(visits).requests
  return [
    `${all.requests} requests of ${users} users, ${((100 * writes) / all.requests).toFixed(1)} % writes`,
    `send delay of the generator ${effort.lateMs.p99.toFixed(1)} ms at the 99th percentile`,
    ...(effort.limit ? [effort.limit] : []),
  ].join('; ')
}
