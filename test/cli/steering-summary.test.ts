import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summaryLines, summaryOf } from '../../src/cli/steering-summary.ts'
import { placeTree } from '../../src/geo/place-tree.ts'
import { parsePrefix } from '../../src/geo/prefix.ts'
import { computeTable } from '../../src/steering/compute.ts'

const at = (lat: number, lon: number) => ({ lat, lon, country: 'US', precision: 'city' as const })

test('what a table costs is said by networks and by addresses, for the families that have a database', () => {
  const table = computeTable({
    regions: [
      { name: 'us-east', location: at(39, -77) },
      { name: 'us-west', location: at(46, -120) },
    ],
    places: [
      placeTree(4, [
        { ...parsePrefix('9.0.0.0/8')!, location: at(40.7, -74) },
        { ...parsePrefix('11.0.0.0/8')!, location: at(34, -118) },
        { ...parsePrefix('12.0.0.0/8')!, location: { ...at(37.75, -97.8), precision: 'country' } },
        { ...parsePrefix('13.0.0.0/8')!, location: { ...at(37.75, -97.8), precision: 'country' } },
      ]),
    ],
    maxPrefixes: 1000,
  })
  const summary = summaryOf(table)!
  assert.equal(summary.prefixes, table.covers[0].lengths.length + table.covers[1].lengths.length)
  assert.deepEqual(summaryLines(summary).slice(1), [
    '      IPv4: the bound sends 0.0 % of networks (0.0 % of addresses) to a farther region; ' +
      '50.0 % (50.0 %) have only a country in the database',
  ])
})

test('a table that was not computed from a database has no summary', () => {
  assert.equal(summaryOf(undefined), undefined)
})
