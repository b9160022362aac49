import { userRttMs } from '../../../src/geo/rtt.ts'
import { between, exponential, pick, seeded } from '../../../src/lab/users/plan/random.ts'
import type { UsersResult } from '../../../src/lab/users/result.ts'
import { Samples } from '../../../src/lab/users/samples.ts'
import { summarise } from '../../../src/lab/users/summarise.ts'

const regions = [
  { name: 'us-east', location: { lat: 39.04, lon: -77.49 } },
  { name: 'us-west', location: { lat: 45.84, lon: -119.7 } },
]

const places = [
  ['New York City, NY', 'US East', 40.71, -74.01],
  ['Boston, MA', 'US East', 42.36, -71.06],
  ['Miami, FL', 'US East', 25.77, -80.19],
  ['Atlanta, GA', 'US East', 33.75, -84.39],
  ['Chicago, IL', 'US Central', 41.85, -87.65],
  ['Houston, TX', 'US Central', 29.76, -95.36],
  ['Denver, CO', 'US West', 39.74, -104.98],
  ['Los Angeles, CA', 'US West', 34.05, -118.24],
  ['Seattle, WA', 'US West', 47.61, -122.33],
  ["Coeur d'Alene <b>", 'US West', 47.68, -116.78],
].map(([name, area, lat, lon]) => ({
  name: name as string,
  area: area as string,
  location: { lat: lat as number, lon: lon as number },
}))

/** A made-up run: latencies from the model, some errors in the middle, orders answered by the far coast. */
export function sampleResult(changes: Partial<UsersResult> = {}): UsersResult {
  const random = seeded(3, 'sample')
  const samples = new Samples()
  const ranMs = 30_000
  for (let atMs = 0; atMs < ranMs; atMs += 10) {
    const place = Math.floor(random() * places.length)
    const { location } = places[place]!
    const [east, west] = regions.map((region) => userRttMs(location, region.location)) as [number, number]
    const home = east < west ? 0 : 1
    const kind = pick(random, ['home', 'product', 'product', 'search', 'asset', 'asset', 'order'])
    const cold = random() < 0.08
    const rtt = Math.min(east, west)
    const failed = atMs > 12_000 && atMs < 14_500 && home === 0 && random() < 0.5
    samples.add({
      atMs,
      latencyMs:
        (cold ? 3 : 1) * rtt + between(random, 2, 6) + exponential(random, 4) + (kind === 'order' ? 70 : 0),
      dnsMs: cold ? rtt : 0,
      connectMs: cold ? rtt : 0,
      place,
      visitor: Math.floor(atMs / 100),
      kind,
      edge: failed && random() < 0.1 ? undefined : regions[home]!.name,
      servedBy: failed ? undefined : kind === 'order' ? 'us-east' : regions[home]!.name,
      error: failed ? (random() < 0.7 ? 'connection refused' : 'HTTP 503') : undefined,
    })
  }
  return {
    world: 'shop-lab',
    asked: { ratePerSecond: 80, mix: 'checkout', places: 'us', forMs: ranMs, seed: 3 },
    startedAt: '2026-11-23T13:00:00.000Z',
    startedMs: 1_000_000,
    stopped: false,
    unanswered: 0,
    distances: true,
    users: 312,
    effort: {
      cpuShare: 0.084,
      loopDelayMs: { p50: 0.1, p99: 0.9, max: 4.2 },
      lateMs: { p50: 0.6, p99: 1.4, max: 5.1 },
      inFlightMax: 41,
      peakMemoryBytes: 92_000_000,
      limit: undefined,
    },
    ...summarise({ samples, places, regions, slo: { latencyMs: 100, share: 0.95 }, ranMs }),
    ...changes,
  }
}
