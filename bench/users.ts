import type { Benchmark, Figure, Unit } from './figure.ts'
import { inLab } from './lab/in-lab.ts'
import type { Visits } from './lab/visits.ts'

const ratePerSecond = 60
const secondsEach = 60
const latencyMs = 100
const targetPercent = 95

export const users: Benchmark = {
  name: 'users',
  title: 'What users across a continent get',
  how: `In a lab: users in the cities of the United States, drawn by population, ${ratePerSecond} requests a second for ${secondsEach} s a run, one
in twenty an order in the example's shop, the others pages of it. Each user asks a region's name server with its own
network (nobody has the answer cached), connects from its city to the region that it is named, and keeps the connection
while it visits, eight requests on average (no assets: they are fast and many). Latency: from when a request was due, with DNS and connecting where it took them. With one region (east, durability
“local”) and with two (east and west, durability “region”), a world each, with the same visits. West begins at the Rocky Mountains.`,
  async run({ runs = 1, seed }, say) {
    const part = (full: string[]) =>
      inLab('visitsInLab', { full, ratePerSecond, seconds: secondsEach * runs, seed }, say)
    return figuresOf(await part(['us-east']), await part(['us-east', 'us-west']))
  },
}

type Measure = (visits: Visits) => number

/** Pure. */
export function figuresOf(one: Visits, two: Visits): Figure[] {
  const beside = (what: string, unit: Unit, of: Measure, more: Partial<Figure> = {}): Figure => {
    const [before, after] = [of(one), of(two)]
    const ratio = before === 0 ? 1 : after / before
    const peer = { name: 'one region', value: before, ratio, ratioSpread: [ratio, ratio] as [number, number] }
    return { what, value: after, unit, peer, ...more }
  }
  const areas = two.areas.map(({ name }) => name).sort()
  const areaOf = (visits: Visits, name: string) => visits.areas.find((area) => area.name === name)!
  const kindOf = (visits: Visits, name: string) => visits.kinds.find((kind) => kind.name === name)!
  const writes = 'order'
  return [
    {
      what: `within ${latencyMs} ms, two regions, all requests`,
      value: percent(two.all.fastShare),
      unit: '%',
      target: { atLeast: targetPercent },
      note: described(two),
    },
    {
      what: '  those on a kept connection',
      value: percent(two.warm.fastShare),
      unit: '%',
      target: { atLeast: targetPercent },
      note: `the others, ${(100 * (two.cold.requests / two.all.requests)).toFixed(1)} % of all, also asked for the name, or connected`,
    },
    {
      what: `users who had at least half of their requests within ${latencyMs} ms`,
      value: percent(two.slo.usersFastShare),
      unit: '%',
      target: { atLeast: targetPercent },
      note: `with one region ${percent(one.slo.usersFastShare).toFixed(1)} %`,
    },
    beside(`within ${latencyMs} ms`, '%', (visits) => percent(visits.all.fastShare), {
      note: `one region: ${described(one)}`,
    }),
    ...areas.map((name) =>
      beside(`  ${name}`, '%', (visits) => percent(areaOf(visits, name).fastShare), {
        note: `${areaOf(two, name).requests} requests`,
      }),
    ),
    beside('  on a kept connection', '%', (visits) => percent(visits.warm.fastShare)),
    beside('  reads', '%', readsPercent),
    beside('  writes', '%', (visits) => percent(kindOf(visits, writes).fastShare)),
    ...areas.flatMap((name) => [
      beside(`${name}, median`, 'ms', (visits) => areaOf(visits, name).latency.p50),
      beside(`${name}, 95th percentile`, 'ms', (visits) => areaOf(visits, name).latency.p95),
    ]),
    beside('writes, median', 'ms', (visits) => kindOf(visits, writes).latency.p50),
    {
      what: 'requests that failed, two regions',
      value: two.all.failed,
      unit: '',
      target: { atMost: 0 },
      note: two.errors.map(({ error, count }) => `${error}: ${count}`).join('; '),
    },
  ]

  function readsPercent(visits: Visits): number {
    const ofWrites = kindOf(visits, writes)
    const fast = visits.all.fastShare * visits.all.requests - ofWrites.fastShare * ofWrites.requests
    return percent(fast / (visits.all.requests - ofWrites.requests))
  }
}

const percent = (share: number) => share * 100

function described({ users, all, kinds, effort }: Visits): string {
  const writes = kinds.find(({ name }) => name === 'order')!.requests
  return [
    `${all.requests} requests of ${users} users, ${((100 * writes) / all.requests).toFixed(1)} % writes`,
    `the generator was late by ${effort.lateMs.p99.toFixed(1)} ms at the 99th percentile`,
    ...(effort.limit ? [effort.limit] : []),
  ].join('; ')
}
