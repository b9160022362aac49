import assert from 'node:assert/strict'
import { mkdirSync, realpathSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { NearsideError } from '../../src/lib/errors.ts'
import type { Listener } from '../../src/lib/listeners.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { handleOf } from '../../src/world/handle.ts'
import { needsOf } from '../../src/world/ports.ts'
import { preflight } from '../../src/world/preflight.ts'
import { temporaryFolder } from '../support/sandboxed.ts'
import { sampleSecrets, topologyOf, twoRegions, withEdge } from '../support/topologies.ts'

function world() {
  const folder = join(realpathSync(temporaryFolder('preflight')), '.nearside/shop')
  mkdirSync(folder, { recursive: true })
  const topology = topologyOf(twoRegions)
  const record = { topology, revision: 'r', topologyFile: '/x', appFolder: '/x', run: '1' }
  return handleOf(folder, record, sampleSecrets)
}

const listener = (address: string, port: number, protocol: Listener['protocol'] = 'tcp'): Listener => ({
  protocol,
  address,
  port,
  uid: 105,
  inode: '1',
})

test('a region needs the ports of its role, and DNS over UDP and TCP', () => {
  const needs = (regions: Parameters<typeof topologyOf>[0], name: string) => {
    const topology = topologyOf(regions)
    return needsOf(topology, regionsOf(topology).find((region) => region.name === name)!).map(
      (need) => `${need.what} ${need.port}/${need.protocol}`,
    )
  }
  assert.deepEqual(needs(twoRegions, 'us-central'), ['agent 7400/tcp', 'etcd 2379/tcp', 'etcd 2380/tcp'])
  const edge = needs(withEdge, 'sa-east')
  assert.ok(
    edge.includes('knot 5300/udp') && edge.includes('knot 5300/tcp') && edge.includes('haproxy 8080/tcp'),
  )
  assert.ok(!edge.some((need) => /postgres|etcd|redis|app/.test(need)))
  // Instances of the second region are numbered after those of the first, because many apps listen on all addresses.
  assert.deepEqual(
    needs(twoRegions, 'us-west').filter((need) => need.startsWith('app')),
    ['app-0 3002/tcp', 'app-1 3003/tcp'],
  )
})

test('reports all ports in use at once, one line per region, each port with its holder', async () => {
  const all = [
    listener('127.77.1.1', 5432),
    listener('0.0.0.0', 6379),
    listener('127.77.2.1', 5300, 'udp'),
    listener('127.77.2.1', 5300, 'tcp'),
    listener('127.0.0.1', 8080),
    listener('127.77.1.1', 5353),
  ]
  const handle = world()
  await assert.rejects(preflight(handle, handle.regions, all), {
    code: 'port_in_use',
    message: '5 ports of this world are already in use',
    remedy: 'stop these processes, or set other ports under ports in the topology',
    details: [
      'us-east (127.77.1.1): 5432 (postgres) in use by a process of user 105; 6379 (redis) in use by a process of user 105, which listens on all addresses',
      'us-west (127.77.2.1): 5300 tcp and udp (knot) in use by a process of user 105; 6379 (redis) in use by a process of user 105, which listens on all addresses',
    ],
  })
  await preflight(handle, handle.regions, [])
})

test('names the process that holds a port', async () => {
  const handle = world()
  const server = createServer().listen(8008, '127.77.254.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  try {
    const region = { ...handle.regions[0]!, address: '127.77.254.1' }
    await assert.rejects(preflight(handle, [region]), {
      details: [`us-east (127.77.254.1): 8008 (postgres) in use by node (process ${process.pid})`],
    })
  } finally {
    server.close()
  }
})

test('a taken port 53 names what usually has it, and how to free it', async () => {
  const { record, ...rest } = world()
  const topology = topologyOf(twoRegions, { ports: { dns: 53 } })
  const one = { ...rest, record: { ...record, topology } }
  const region = regionsOf(topology)[0]!
  await assert.rejects(preflight(one, [region], [listener('0.0.0.0', 53, 'udp')]), (error: NearsideError) => {
    assert.match(
      error.details.join(),
      /53 udp \(knot\) in use by a process of user 105, which listens on all/,
    )
    assert.match(error.remedy ?? '', /DNSStubListener=no/)
    return true
  })
})
