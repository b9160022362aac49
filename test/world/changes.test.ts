import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile } from '../../src/compile.ts'
import type { Topology, TopologyInput } from '../../src/topology/schema.ts'
import { changeBetween, changeOf, pathsChanged } from '../../src/world/changes.ts'
import { rollWords } from '../../src/world/roll-words.ts'
import { saEast, sampleSecrets, topologyOf, twoRegions } from '../support/topologies.ts'

function revision(changes: Parameters<typeof topologyOf>[1] = {}) {
  const regions = changes.regions ?? twoRegions
  const topology = topologyOf(regions, { ...changes, app: { instances: 2, ...changes.app } })
  return {
    topology,
    plan: compile(topology, { secrets: sampleSecrets, folder: '/w/.nearside/shop', appFolder: '/w' }),
  }
}

test('a changed app environment restarts the app’s instances and nothing else', () => {
  const change = changeBetween(revision(), revision({ app: { env: { LOG: 'debug' } } }))
  assert.deepEqual(change, {
    kind: 'live',
    paths: ['app.env.LOG'],
    restarts: { 'us-east': ['app-0', 'app-1'], 'us-west': ['app-0', 'app-1'], 'us-central': [] },
    reloads: { 'us-east': [], 'us-west': [], 'us-central': [] },
    removed: { 'us-east': [], 'us-west': [], 'us-central': [] },
    added: { 'us-east': [], 'us-west': [], 'us-central': [] },
  })
})

test('HAProxy and Varnish reload new files; a changed command line needs a restart', () => {
  const edge = { 'us-east': ['haproxy', 'varnish'], 'us-west': ['haproxy', 'varnish'], 'us-central': [] }
  const none = { 'us-east': [], 'us-west': [], 'us-central': [] }
  const longer = changeBetween(revision(), revision({ app: { timeoutSeconds: 90 } }))
  assert.ok(longer.kind === 'live')
  assert.deepEqual([longer.restarts, longer.reloads], [none, edge])
  const larger = changeBetween(revision(), revision({ cdn: { maxMemory: '128mb' } }))
  assert.ok(larger.kind === 'live')
  assert.deepEqual(larger.restarts, { ...none, 'us-east': ['varnish'], 'us-west': ['varnish'] })
  // HAProxy breaks off fetches of what is too large to be stored.
  assert.deepEqual(larger.reloads, { ...none, 'us-east': ['haproxy'], 'us-west': ['haproxy'] })
})

test('surplus instances are listed by name, so that they can be stopped', () => {
  const change = changeBetween(revision(), revision({ app: { instances: 1 } }))
  assert.equal(change.kind, 'live')
  assert.deepEqual(change.kind === 'live' && change.removed['us-west'], ['app-1'])
})

test('processes that stop or start with a change are not told as restarts', () => {
  const wordsOf = (before: number, after: number) => {
    const change = changeBetween(
      revision({ app: { instances: before } }),
      revision({ app: { instances: after } }),
    )
    assert.ok(change.kind === 'live')
    return rollWords(change)
  }
  const fewer = wordsOf(2, 1)
  assert.match(fewer, /stops app-1 in us-east; app-1 in us-west/)
  assert.doesNotMatch(fewer, /starts app-1/)
  assert.match(wordsOf(1, 2), /, this starts app-1 in us-east; app-1 in us-west/)
})

test('a setting that only agents read restarts nothing', () => {
  const change = changeBetween(revision(), revision({ failover: { suspectMs: 3000 } }))
  assert.equal(change.kind, 'live')
  assert.ok(change.kind === 'live' && !Object.values(change.restarts).flat().includes('postgres'))
})

test('regions, addresses and stateful engines cannot change while the world runs', () => {
  const refusals: [Partial<Omit<TopologyInput, 'app'>>, RegExp][] = [
    [{ network: { base: '127.78' } }, /regions and addresses/],
    [{ regions: { ...twoRegions, 'sa-east': saEast } }, /regions and addresses/],
    [{ ports: { agent: 7500 } }, /agents’ port/],
    [{ ports: { etcdClient: 2400 } }, /etcd cannot change/],
    [{ database: { maxConnections: 300 } }, /PostgreSQL cannot change/],
    [{ ports: { postgres: 5433 } }, /PostgreSQL cannot change/],
  ]
  for (const [topology, why] of refusals) {
    const change = changeBetween(revision(), revision(topology))
    assert.equal(change.kind, 'refused', JSON.stringify(topology))
    assert.match(change.kind === 'refused' ? change.why : '', why)
  }
})

test('a refused change tells the keys that need a stopped world from the others', () => {
  const before = revision()
  const planOf = (topology: Topology) =>
    compile(topology, { secrets: sampleSecrets, folder: '/w/.nearside/shop', appFolder: '/w' })
  const mixed = revision({
    app: { env: { LOG: 'debug' }, timeoutSeconds: 90 },
    database: { maxConnections: 300, holdSeconds: 20 },
    ports: { etcdPeer: 2400 },
  })
  const change = changeOf(before, mixed, planOf)
  assert.ok(change.kind === 'refused')
  assert.deepEqual(change.fixed.toSorted(), ['database.maxConnections', 'ports.etcdPeer'])
  assert.deepEqual(change.paths.filter((path) => !change.fixed.includes(path)).toSorted(), [
    'app.env.LOG',
    'app.timeoutSeconds',
    'database.holdSeconds',
  ])
  // A primary in a region that does not exist yet is no topology by itself.
  const larger = revision({ regions: { ...twoRegions, 'sa-east': saEast }, database: { primary: 'sa-east' } })
  const added = changeOf(before, larger, planOf)
  assert.ok(added.kind === 'refused' && added.fixed.includes('regions.sa-east'))
  assert.equal(changeOf(before, revision({ app: { env: { LOG: 'x' } } }), planOf).kind, 'live')
})

test('differences show paths, never values', () => {
  const before = { a: 1, b: { c: [1, 2], d: 'x' }, e: { f: 1 } }
  assert.deepEqual(pathsChanged(before, { a: 1, b: { c: [1, 3], d: 'x', g: true }, e: 2 }), [
    'b.c',
    'b.g',
    'e',
  ])
  assert.deepEqual(pathsChanged(before, before), [])
  assert.deepEqual(pathsChanged({ r: { a: 1, b: 2 } }, { r: { b: 2, a: 1 } }), ['r'])
})
