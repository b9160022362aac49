import fc from 'fast-check'
import type { Location } from '../../src/geo/distance.ts'
import { type Family, type Prefix, truncate } from '../../src/geo/prefix.ts'

/** Random prefixes of a family, up to `longest` bits. */
export function arbitraryPrefix(family: Family, longest: number): fc.Arbitrary<Prefix> {
  return fc
    .record({
      length: fc.integer({ min: 0, max: longest }),
      high: fc.nat(0xffffffff),
      low: fc.nat(0xffffffff),
    })
    .map(({ length, high, low }) => ({
      family,
      ...truncate(high >>> 0, family === 4 ? 0 : low >>> 0, length),
      length,
    }))
}

export function arbitraryLocation(): fc.Arbitrary<Location> {
  return fc.record({ lat: fc.integer({ min: -80, max: 80 }), lon: fc.integer({ min: -179, max: 179 }) })
}

export function arbitraryAddress(
  family: Family,
): fc.Arbitrary<{ family: Family; high: number; low: number }> {
  return fc
    .record({ high: fc.nat(0xffffffff), low: fc.nat(0xffffffff) })
    .map(({ high, low }) => ({ family, high: high >>> 0, low: family === 4 ? 0 : low >>> 0 }))
}
