import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile } from '../../src/compile.ts'
import { type Topology, topologySchema } from '../../src/topology/schema.ts'
import { contract, type Node } from '../../src/topology/walk.ts'
import { changeBetween } from '../../src/world/changes.ts'
import { sampleSecrets, topologyOf, twoRegions } from '../support/topologies.ts'
import { pages } from './pages.ts'

/** Which keys can change while a world runs: docs/operate/day-to-day.md against the code, for every key of the schema. */

/** Other valid values, where none follows from the type. The last one differs most. */
const others: Record<string, readonly unknown[]> = {
  name: ['other'],
  domain: ['other.example.com'],
  'network.base': ['127.99'],
  'network.rttMs': [{ 'us-east us-west': 60 }, { 'us-east us-west': 5000 }],
  'regions.*.location': [
    { lat: 39.1, lon: -77.4 },
    { lat: -39, lon: 102 },
  ],
  'regions.*.address': ['127.9.9.9'],
  'regions.*.env': [{ LOG: 'debug' }],
  'app.env': [{ LOG: 'debug' }],
  'app.command': [['other']],
  'app.release': [['other']],
  'app.health': ['/other'],
  'app.static': [['/other/*']],
  'app.maxBody': ['11mb'],
  'app.writes.safeMethods': [['GET']],
  'edge.trustedProxies': [['10.0.0.1']],
  'app.writes.also': [['GET /other']],
  'app.writes.except': [['POST /other']],
  'cache.maxMemory': ['11mb'],
  'cdn.maxMemory': ['11mb'],
  'database.name': ['other'],
  'database.primary': ['us-west'],
  'database.parameters': [{ work_mem: '8MB' }],
  'steering.geoip': [['other.mmdb']],
  'app.folder': ['other'],
}

type Leaf = { path: string; keys: string[]; node: Node }

function leaves(node: Node, path: string[] = [], keys: string[] = []): Leaf[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]): Leaf[] => {
    const [named, at] = [
      [...path, key],
      [...keys, key],
    ]
    if (key === 'regions')
      return leaves(child.additionalProperties as Node, [...named, '*'], [...at, 'us-east'])
    return child.properties && key !== 'location'
      ? leaves(child, named, at)
      : [{ path: named.join('.'), keys: at, node: child }]
  })
}

function valuesFor({ path, node }: Leaf, now: unknown): readonly unknown[] {
  if (others[path]) return others[path]
  if (node.enum) return node.enum.filter((one) => one !== now)
  if (node.type === 'boolean') return [!now]
  const number = typeof now === 'number' ? now : (node.minimum ?? 0)
  return [number + 1 <= (node.maximum ?? Number.POSITIVE_INFINITY) ? number + 1 : number - 0.05]
}

const planOf = (topology: Topology) =>
  compile(topology, { secrets: sampleSecrets, folder: '/w/.nearside/shop', appFolder: '/w' })

/** The kinds of change for each alternative value. */
function kindsOf(leaf: Leaf): string[] {
  const before = topologyOf(twoRegions)
  const parent = (topology: Topology) =>
    leaf.keys.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as typeof at, topology)
  const last = leaf.keys.at(-1)!
  return valuesFor(leaf, parent(before)[last]).map((value) => {
    const after = structuredClone(before)
    parent(after)[last] = value
    assert.ok(topologySchema.safeParse(after).success, `${leaf.path} = ${JSON.stringify(value)}`)
    const change = changeBetween(
      { topology: before, plan: planOf(before) },
      { topology: after, plan: planOf(after) },
    )
    assert.ok(change.paths.length > 0, leaf.path)
    return change.kind
  })
}

test('the page lists exactly the keys that cannot change while a world runs', () => {
  const page = pages.get('docs/operate/day-to-day.md')!
  const row = (head: string) => {
    const found = page.split('\n').find((line) => line.startsWith(`| ${head} |`))
    assert.ok(found, head)
    return [...found.matchAll(/`([^`]+)`/g)].map(([, key]) => key!).sort()
  }
  const all = leaves(contract).map((leaf) => ({ path: leaf.path, kinds: new Set(kindsOf(leaf)) }))
  // Another name is another world; nothing compares the two.
  const compared = all.filter(({ path }) => path !== 'name')
  const those = (...kinds: string[]) =>
    compared
      .filter((one) => one.kinds.size === kinds.length && kinds.every((kind) => one.kinds.has(kind)))
      .map(({ path }) => path)
      .sort()
  assert.deepEqual(row('needs a stopped world'), those('refused'))
  assert.deepEqual(row('needs it if etcd’s timeouts change'), those('refused', 'live'))
  assert.ok(those('live').includes('database.holdSeconds'))
})
