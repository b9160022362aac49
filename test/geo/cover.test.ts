import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Cover,
  cover,
  mergedNets,
  type Net,
  netsOf,
  prefixAt,
  uniformCover,
} from '../../src/geo/cover.ts'
import { contains, type Family, formatPrefix, truncate } from '../../src/geo/prefix.ts'
import { arbitraryAddress } from '../support/places.ts'
import { indexOf } from '../support/steering-table.ts'

/** A random tiling of a family's space, with few distinct values, so neighbours are often equal. */
function arbitraryCover(family: Family): fc.Arbitrary<Cover> {
  const longest = family === 4 ? 32 : 64
  return fc.array(fc.nat(), { maxLength: 60 }).map((choices) => {
    const lengths = [1, 1]
    for (const choice of choices) {
      const at = choice % lengths.length
      if (lengths[at]! < longest) lengths.splice(at, 1, lengths[at]! + 1, lengths[at]! + 1)
    }
    const values = lengths.map((_, at) => (choices[at] ?? at) % 3)
    return cover(family, Uint8Array.from(lengths), Uint32Array.from(values))
  })
}

/** Throws unless the nets tile the whole space in order. */
function recover(family: Family, nets: Net[]): Cover {
  const made = cover(
    family,
    Uint8Array.from(nets, (net) => net.length),
    Uint32Array.from(nets, (net) => net.value),
  )
  assert.deepEqual(netsOf(made), nets)
  return made
}

for (const family of [4, 6] as const) {
  test(`IPv${family}: every address is in the prefix that is found for it, and in no other`, () => {
    fc.assert(
      fc.property(arbitraryCover(family), arbitraryAddress(family), (parts, address) => {
        const holders = Array.from(parts.lengths, (_, index) => index).filter((index) =>
          contains(prefixAt(parts, index), address),
        )
        assert.deepEqual(holders, [indexOf(parts, address.high, address.low)])
      }),
    )
  })

  test(`IPv${family}: merging changes no value, leaves no gap and no two equal halves`, () => {
    fc.assert(
      fc.property(arbitraryCover(family), arbitraryAddress(family), (parts, address) => {
        const merged = recover(family, [...mergedNets(parts, (net) => net.value % 2)])
        const valueIn = (of: Cover) => of.values[indexOf(of, address.high, address.low)]!
        assert.equal(valueIn(merged), valueIn(parts) % 2)
        for (let index = 1; index < merged.lengths.length; index++) {
          const [left, right] = [prefixAt(merged, index - 1), prefixAt(merged, index)]
          if (merged.values[index - 1] !== merged.values[index] || left.length !== right.length) continue
          const parent = {
            ...left,
            ...truncate(left.high, left.low, left.length - 1),
            length: left.length - 1,
          }
          assert.ok(
            left.length === 1 || !contains(parent, right),
            `${formatPrefix(left)} and ${formatPrefix(right)}`,
          )
        }
      }),
      { numRuns: 500 },
    )
  })

  test(`IPv${family}: nets are split to the shortest length, each with its own value`, () => {
    fc.assert(
      fc.property(arbitraryCover(family), arbitraryAddress(family), (parts, address) => {
        const byAddress = (net: Readonly<Net>) => net.value * 2 + ((net.high >>> 26) & 1)
        const fine = recover(family, [...mergedNets(parts, byAddress, 6)])
        assert.ok(Math.min(...fine.lengths) >= 6)
        const at = indexOf(parts, address.high, address.low)
        const start = truncate(address.high, address.low, Math.max(6, parts.lengths[at]!))
        const wanted = parts.values[at]! * 2 + ((start.high >>> 26) & 1)
        assert.equal(fine.values[indexOf(fine, address.high, address.low)], wanted)
      }),
    )
  })
}

test('prefixes that leave a gap, overlap or are misaligned are refused', () => {
  const wrong = [[], [1], [1, 2], [1, 1, 1], [2, 1, 2], [0, 0], [33, 33]]
  for (const lengths of wrong) {
    const values = new Uint32Array(lengths.length)
    assert.throws(() => cover(4, Uint8Array.from(lengths), values), RangeError, String(lengths))
  }
})

test('one value for everyone is still written as two halves', () => {
  const nets = [...mergedNets(uniformCover(6, 7), () => 3)]
  assert.deepEqual(nets.map(formatPrefix), ['::/1', '8000::/1'])
})
