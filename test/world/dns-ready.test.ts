import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SteeringState } from '../../src/agent/traffic/dns-steering.ts'
import { dnsPatience } from '../../src/cli/up/wait.ts'
import { regionsOf } from '../../src/topology/regions.ts'
import { dnsWaitsFor } from '../../src/world/dns-ready.ts'
import type { Sample } from '../../src/world/start.ts'
import { topologyOf, twoRegions } from '../support/topologies.ts'

const settled = {
  kind: 'answering',
  mark: 'm',
  prefixes: 4,
  table: { kind: 'agreed', revision: 'a' },
  agreed: 'a',
  wanted: 'a',
  shares: { 'us-east': 1, 'us-west': 1 },
} as const satisfies SteeringState

/** The east settled, the west as given; the witness has no DNS. */
const samples = (west: SteeringState | undefined): Sample[] =>
  regionsOf(topologyOf(twoRegions)).map(
    (region) =>
      ({
        region,
        status: region.serves ? { steering: region.name === 'us-east' ? settled : west } : {},
      }) as unknown as Sample,
  )

test('up waits until DNS in every region answers from the agreed table and sends users to every region', () => {
  assert.equal(dnsWaitsFor(samples(settled)), undefined)
  assert.match(dnsWaitsFor(samples(undefined))!, /DNS in us-west/)
  assert.match(dnsWaitsFor(samples({ kind: 'building' }))!, /DNS in us-west/)
  const uniform = { ...settled, table: { kind: 'uniform' } } as const
  assert.match(dnsWaitsFor(samples(uniform))!, /us-west to agree on the steering table/)
  assert.match(dnsWaitsFor(samples({ ...uniform, percent: 43 }))!, /steering table \(43 %\)/)
  assert.match(dnsWaitsFor(samples({ ...settled, wanted: 'b' }))!, /us-west to agree/)
  const slow = { ...settled, shares: { 'us-east': 1, 'us-west': 0 } }
  assert.match(dnsWaitsFor(samples(slow))!, /DNS to send users to us-west/)
})

test('up does not wait for a GeoIP database that cannot be used, nor for the rest of a ramp', () => {
  const problem = { code: 'geoip_missing', why: 'no such file', sinceMs: 0 }
  const { wanted, ...rest } = settled
  assert.equal(dnsWaitsFor(samples({ ...rest, table: { kind: 'uniform' }, problem })), undefined)
  assert.equal(dnsWaitsFor(samples({ ...settled, shares: { 'us-east': 1, 'us-west': 0.1 } })), undefined)
})

test('up gives up after a minute, but never while a table is being computed', () => {
  const dns = dnsPatience()
  const failed = samples({ ...settled, kind: 'failed', why: 'Knot does not answer' })
  assert.match(dns.waitsFor(failed, 0)!, /DNS in us-west/)
  assert.match(dns.waitsFor(failed, 59_999)!, /DNS in us-west/)
  assert.equal(dns.waitsFor(failed, 60_000), undefined)
  assert.match(dns.gaveUp!, /DNS in us-west/)
  const computing = samples({ ...settled, table: { kind: 'uniform' }, percent: 5 })
  assert.match(dns.waitsFor(computing, 600_000)!, /5 %/)
  assert.match(dns.waitsFor(computing, 9_000_000)!, /5 %/)
})
