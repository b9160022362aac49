import { runUsers } from '../../../src/lab/users/run.ts'
import type { WorldHandle } from '../../../src/world/handle.ts'
import { pages } from './fakes.ts'

/** Users of a world that does not answer, until Ctrl-C. Prints `started` while the generator is still loading. */
const region = { name: 'east', address: '127.0.0.1', serves: true, location: { lat: 40, lon: -75 } }
const topology = {
  domain: 'shop.example.com',
  ports: { http: 9, dns: 9 },
  slo: { latencyMs: 100, share: 0.95 },
  steering: { geoip: [] },
  database: { holdSeconds: 1 },
}
const stopping = new AbortController()
process.on('SIGINT', () => stopping.abort())
const result = await runUsers({
  world: {
    name: 'test',
    regions: [region],
    record: { topology, topologyFile: '/nowhere/x.yaml' },
  } as unknown as WorldHandle,
  ratePerSecond: 1,
  mix: pages(),
  places: [{ city: 300, name: 'Boston, MA', area: 'US East', location: region.location, weight: 1 }],
  placesText: 'Boston',
  forMs: Infinity,
  seed: 4,
  signal: stopping.signal,
  onStart: () => void setImmediate(() => process.stdout.write('started\n')),
})
process.stdout.write(`stopped ${result.stopped}, requests ${result.all.requests}\n`)
