import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Agent } from '../../src/agent/agent.ts'
import { metrics } from '../../src/agent/http/metrics.ts'
import { CacheMonitor } from '../../src/agent/traffic/cache-monitor.ts'
import { troubleKinds } from '../../src/agent/traffic/cache-trouble.ts'
import type { TrafficMonitor } from '../../src/agent/traffic/traffic.ts'
import type { Why } from '../../src/engines/haproxy/traffic.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')

/** Complete, so that a new reason has to be written down. */
const reasons: Record<Why, true> = {
  local: true,
  spill: true,
  edge: true,
  write: true,
  hold: true,
  cache: true,
}

/** A monitor with something in every gauge. */
function cacheOf(): CacheMonitor {
  const cache = new CacheMonitor({} as ConstructorParameters<typeof CacheMonitor>[0])
  const gauges = [
    'usedBytes',
    'limitBytes',
    'transientUsedBytes',
    'transientLimitBytes',
    'objects',
    'threads',
  ]
  cache.gauges = Object.fromEntries([...gauges, 'responses'].map((key) => [key, 1])) as CacheMonitor['gauges']
  return cache
}

/** An agent of which every metric has something to report. */
function exposition(): Promise<string> {
  const topology = topologyOf(twoRegions)
  const regions = regionsOf(topology)
  const agent = {
    context: { region: regions[0]!, regions, topology },
    coordination: {
      snapshot: {
        leader: { region: regions[0]!.name },
        reports: { 'us-east': { purges: { applied: 1 } } },
        health: {},
        sync: { standbys: [] },
      },
      atMs: performance.now(),
    },
    etcdWatch: { member: { dbBytes: 1, alarms: [] } },
    deployments: { count: 1 },
    purges: { totals: { applied: 1, failed: 0 } },
    cache: cacheOf(),
    supervisor: { status: () => [{ name: 'etcd', state: 'ready', restarts: 0 }] },
  } as unknown as Agent
  const served = [{ region: 'us-east', why: 'local', requests: 1 }]
  const connections = { users: { current: 1, limit: 2 }, usersWaiting: 0 }
  const traffic = { totals: { received: 1, served }, holding: 0, connections } as unknown as TrafficMonitor
  const all = metrics(agent, () => traffic)
  all.observe({ firstByteMs: 1, weight: 1 } as Parameters<typeof all.observe>[0])
  return all.text()
}

test('the page has the name, the type and the labels of every metric, and no others', async () => {
  const text = await exposition()
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  assert.ok(types.length > 10, text)
  const exposed = types.map(([, name, type]) => {
    const sample = new RegExp(`^${name}(?:_bucket)?(?:\\{(.*)\\})? [\\d.]+$`, 'm').exec(text)
    assert.ok(sample, `${name} has no sample`)
    const labels = [...(sample[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label!)
    return [name, type, labels.filter((label) => label !== 'le').map((label) => `\`${label}\``)]
  })
  const rows = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*?) ?\| \S/gm)]
  const documented = rows.map(([, name, type, labels]) => [name, type, labels ? labels.split(', ') : []])
  assert.deepEqual(documented.sort(), exposed.sort())
})

test('the page has every reason why a region served', () => {
  const table = page.slice(page.indexOf('| `why` | served |'), page.indexOf('## Errors of the cache'))
  const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, why]) => why!).slice(1)
  assert.deepEqual(listed.sort(), Object.keys(reasons).sort())
})

test('the page has every kind of error and of trouble of the cache', async () => {
  const table = page.slice(page.indexOf('| `kind` | counts |'), page.indexOf('## Alerts'))
  const listed = [...table.matchAll(/^\| `([a-z ]+)` \|/gm)].map(([, kind]) => kind!).slice(1)
  const exported = [...(await exposition()).matchAll(/^nearside_cache_errors_total\{kind="(.*)"\}/gm)]
  assert.deepEqual(listed.sort(), exported.map(([, kind]) => kind!).sort())
  const row = /^\| `nearside_cache_trouble` .*$/m.exec(page)?.[0] ?? ''
  for (const kind of troubleKinds) assert.ok(row.includes(`\`${kind}\``), kind)
})

test('conditions for alerts name metrics that there are', async () => {
  const text = await exposition()
  const alerts = page.slice(page.indexOf('## Alerts'))
  const named = [...alerts.matchAll(/\b(?:nearside|replication)_[a-z_]+[a-z]/g)].map(([name]) => name)
  assert.ok(named.length > 5)
  for (const name of named) assert.ok(text.includes(`# TYPE ${name} `), name)
})
