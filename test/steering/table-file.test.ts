import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { placeTree } from '../../src/geo/place-tree.ts'
import { parsePrefix } from '../../src/geo/prefix.ts'
import { computeTable } from '../../src/steering/compute.ts'
import { decodeTable, encodeTable } from '../../src/steering/table-file.ts'
import { arbitraryLocation } from '../support/places.ts'

const location = { lat: 40.7, lon: -74 }
const table = computeTable({
  regions: [
    { name: 'us-east', location },
    { name: 'us-west', location: { lat: 45.84, lon: -119.7 } },
  ],
  places: [
    placeTree(4, [
      { ...parsePrefix('9.0.0.0/8')!, location },
      { ...parsePrefix('17.0.0.0/8')!, location: { lat: 34, lon: -118 } },
    ]),
  ],
  maxPrefixes: 1000,
})

test('encoding and decoding a table are inverse', () => {
  assert.deepEqual(decodeTable(encodeTable(table)), table)
  const regions = fc.array(arbitraryLocation(), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(regions, fc.array(arbitraryLocation(), { maxLength: 20 }), (places, users) => {
      const some = computeTable({
        regions: places.map((place, index) => ({ name: `région ${index}`, location: place })),
        places: [
          placeTree(
            6,
            users.map((user, index) => ({ ...parsePrefix(`26${10 + index}::/16`)!, location: user })),
          ),
        ],
        maxPrefixes: 100,
      })
      assert.deepEqual(decodeTable(encodeTable(some)), some)
    }),
  )
})

test('a file that is truncated, too long, of another version or no table at all is refused', () => {
  const bytes = encodeTable(table)
  for (const wrong of [
    bytes.subarray(0, -1),
    bytes.subarray(0, 40),
    new Uint8Array(0),
    Uint8Array.from([...bytes, 0]),
    new TextEncoder().encode('nearside-table-0\n{}\n'),
    new TextEncoder().encode('{"regions":[]}'),
  ]) {
    assert.throws(() => decodeTable(wrong))
  }
})
