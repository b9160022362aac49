import assert from 'node:assert/strict'
import { test } from 'node:test'
import { knotMap, renderMap, renderMark } from '../../../src/engines/knot/map.ts'
import { sampleProbes } from '../../../src/engines/knot/probes.ts'
import { cover, netsOf, uniformCover } from '../../../src/geo/cover.ts'
import { placeTree } from '../../../src/geo/place-tree.ts'
import { formatPrefix, parsePrefix } from '../../../src/geo/prefix.ts'
import { computeTable } from '../../../src/steering/compute.ts'
import { regionsOf } from '../../../src/topology/regions.ts'
import { topologyOf, twoRegions } from '../../support/topologies.ts'

const whole = {
  domain: 'shop.example.com',
  nets: () => [cover(4, Uint8Array.of(1, 2, 2), Uint32Array.of(0, 1, 0)), uniformCover(6, 1)].flatMap(netsOf),
  answers: [['10.0.0.1'], ['10.0.0.2', '10.0.0.3']],
}
/** Without the nets that contain the families' first addresses, which are cut up (see `withGeneric`). */
const parted = {
  ...whole,
  nets: () =>
    [cover(4, Uint8Array.of(1, 2, 2), Uint32Array.of(0, 1, 0)), uniformCover(6, 1)]
      .flatMap(netsOf)
      .filter((net) => net.high > 0),
}

test('a map contains every net once, with the addresses of its answer', () => {
  assert.equal(
    [...renderMap(parted)].join(''),
    `shop.example.com:
  - net: 128.0.0.0/2
    A: 10.0.0.2
    A: 10.0.0.3
  - net: 192.0.0.0/2
    A: 10.0.0.1
  - net: 8000::/1
    A: 10.0.0.2
    A: 10.0.0.3
`,
  )
  assert.match(
    renderMark('shop.example.com', 'abc'),
    /^_nearside\.shop\.example\.com:\n[\s\S]*TXT: "map=abc"\n$/,
  )
})

test('a long map is rendered in chunks', () => {
  const nets = netsOf(cover(4, new Uint8Array(4096).fill(12), new Uint32Array(4096)))
  const pieces = [...renderMap({ ...parted, nets: () => nets })]
  assert.ok(pieces.length > 2 && pieces.every((piece) => piece.length < 64 * 1024))
  assert.equal(pieces.join('').match(/- net:/g)!.length, 4096 + 12)
})

test('probes cover the first and the last net of every answer in both families', () => {
  assert.deepEqual(
    sampleProbes(whole).map(({ subnet, addresses }) => `${formatPrefix(subnet)} ${addresses}`),
    [
      '0.0.0.0/0 10.0.0.1',
      '192.0.0.0/2 10.0.0.1',
      '128.0.0.0/2 10.0.0.2,10.0.0.3',
      '::/0 10.0.0.2,10.0.0.3',
      '8000::/1 10.0.0.2,10.0.0.3',
    ],
  )
})

test('the answer is the address of the chosen region, by availability', () => {
  const topology = topologyOf(twoRegions)
  const regions = regionsOf(topology)
  const table = computeTable({
    regions: regions.filter((region) => region.serves),
    places: [placeTree(4, [{ ...parsePrefix('9.0.0.0/8')!, location: { lat: 40.7, lon: -74 } }])],
    maxPrefixes: 1000,
  })
  const map = knotMap(topology, regions, table, {})
  assert.deepEqual(map.answers, [[regions[0]!.address], [regions[1]!.address]])
  const away = knotMap(topology, regions, table, { 'us-east': { kind: 'unhealthy' } })
  assert.deepEqual(
    [...away.nets()].map((net) => net.value),
    [1, 1, 1, 1],
  )
})
