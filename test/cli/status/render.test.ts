import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheMonitor } from '../../../src/agent/traffic/cache-monitor.ts'
import type { CacheTrouble } from '../../../src/agent/traffic/cache-trouble.ts'
import { renderStatus } from '../../../src/cli/status/render.ts'
import type { RegionReport } from '../../../src/world/status/types.ts'
import { sampleRegions, shared, statusOf, withoutAgent } from '../../world/status/sample.ts'

const plain = (_: unknown, text: string) => text
const [east, west, central] = sampleRegions() as [RegionReport, RegionReport, RegionReport]

test('a healthy world fits on ten short lines', () => {
  assert.equal(
    renderStatus(statusOf(sampleRegions()), plain),
    `shop  shop.example.com  healthy

REGION      ROLE     HEALTH   EDGE     DATABASE  LAG     REQ/S  UP
us-east     full     healthy  serving  primary   –         4.0  3/3
us-west     full     healthy  serving  sync      2.0 ms    4.0  3/3
us-central  witness  healthy  –        –         –           –  1/1

Primary     us-east, timeline 3
Durability  region: every acknowledged write is on disk in two regions
`,
  )
})

test('every line of a status fits 80 columns, including problems', () => {
  const lag = { ...shared.lag, 'us-west': { lagMs: 123_000, lagBytes: 123_456_789, streaming: false } }
  const world = {
    ...shared,
    health: { ...shared.health, 'us-east': 'unreachable' as const },
    lag,
    durability: 'at risk' as const,
    ageMs: 99_000,
  }
  const regions = [
    withoutAgent(east, 'gone'),
    { ...west, world, requestsPerSecond: 99_999 },
    { ...central, world },
  ]
  const text = renderStatus(statusOf(regions), plain, { width: 80 })
  for (const line of text.split('\n')) assert.ok(line.length <= 80, `${line.length}: ${line}`)
  assert.match(text, /us-east, does not answer|Primary {5}none/)
})

test('without agents, unknown values are marked and the source is shown', () => {
  const text = renderStatus(statusOf([east, west, central].map((one) => withoutAgent(one, 'running'))), plain)
  assert.match(text, /us-east {5}full {5}\? /)
  assert.match(text, /No agent answers: this status comes from the engines and process records\./)
})

test('a stale view shows its age', () => {
  const regions = sampleRegions().map((one) => ({ ...one, world: { ...shared, ageMs: 12_000 } }))
  assert.match(renderStatus(statusOf(regions), plain), /Health, lag and verdicts are 12 s old/)
})

test('verbose shows every process with pid, uptime and restarts', () => {
  const text = renderStatus(statusOf(sampleRegions()), plain, { verbose: true })
  assert.match(text, /us-east +agent +ready +100 +1 min/)
  assert.match(text, / 2\.0 ms, 120 B /)
  assert.match(text, /us-west +haproxy +ready +200 +50 s +0/)
})

test('text from processes cannot control the terminal', () => {
  const processes = [{ name: 'app-0', state: 'backoff' as const, restarts: 1, why: '\u001b[2J' }]
  const text = renderStatus(statusOf([{ ...east, processes }, west, central]), plain, { verbose: true })
  assert.ok(!text.includes('\u001b'))
})

test('verbose shows the size of etcd and the members with an alarm', () => {
  const [east, west, central] = sampleRegions() as [RegionReport, RegionReport, RegionReport]
  const etcd = { dbBytes: 3 * 1024 ** 2, quotaBytes: 2 * 1024 ** 3, alarms: [] }
  const regions = [{ ...east, etcd }, { ...west, etcd: { ...etcd, alarms: ['NOSPACE' as const] } }, central]
  assert.match(
    renderStatus(statusOf(regions), plain, { verbose: true }),
    /^etcd {8}us-east 3\.0 MB, us-west 3\.0 MB NOSPACE; quota 2\.0 GB$/m,
  )
})

test('verbose shows how full each CDN cache is, and a cache in trouble shows its remedy', () => {
  const activity = new CacheMonitor({} as ConstructorParameters<typeof CacheMonitor>[0]).totals
  const trouble = [
    { kind: 'evicting', perMinute: 1200, minutes: 5, missShare: 0.6, limitBytes: 64 * 1024 ** 2 },
  ] satisfies CacheTrouble[]
  const cache = {
    kind: 'measured' as const,
    at: 0,
    usedBytes: 63 * 1024 ** 2,
    limitBytes: 64 * 1024 ** 2,
    transientUsedBytes: 0,
    transientLimitBytes: 32 * 1024 ** 2,
    objects: 6000,
    threads: 10,
    responses: 0,
    lastMinute: { ...activity, hits: 40, misses: 60 },
    trouble,
  }
  const status = statusOf([{ ...east, cache }, west, central])
  assert.match(
    renderStatus(status, plain, { verbose: true }),
    /^CDN cache {3}us-east 63 MB of 64 MB, 40 % hits$/m,
  )
  assert.match(
    renderStatus(status, plain),
    /^! us-east: the cache evicted 1,200 objects a minute .*\n {4}raise cdn\.maxMemory and run `nearside up`$/m,
  )
})

test('a lone agent that cannot read etcd is not told as no agent', () => {
  const { world, verdicts, ...alone } = west
  const regions = [withoutAgent(east, 'gone'), alone, withoutAgent(central, 'gone')]
  const text = renderStatus(statusOf(regions), plain)
  assert.doesNotMatch(text, /No agent answers/)
  assert.match(text, /Health, lag and verdicts are unknown: no agent can read etcd\./)
})
