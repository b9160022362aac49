import assert from 'node:assert/strict'
import { test } from 'node:test'
import { madeWords, renderLab } from '../../../src/cli/lab/render.ts'
import { lineOf } from '../../../src/lab/links.ts'
import type { LabStatus, ShownLink } from '../../../src/lab/status.ts'

const plain = (_: unknown, text: string) => text
const link = (from: string, to: string, change: Partial<ShownLink['params']> = {}): ShownLink => {
  const base = lineOf(30.79)
  const stats = { packets: 1200, bytes: 90_000, lost: 2, cut: 1, overflowed: 4, queued: 3 }
  const params = { ...base, ...change }
  return { from, to, params, base, changed: Object.keys(change).length > 0, stats }
}
const status = (part: Partial<LabStatus> = {}): LabStatus => ({
  lab: '0123abcd',
  world: 'shop-lab',
  folder: '/srv/shop/.nearside/shop-lab',
  network: 'up',
  health: 'healthy',
  primary: 'us-east',
  places: [{ place: 'us-east', namespace: 'nearside-0123abcd-r1', addresses: '10.77.1.1' }],
  links: [link('us-east', 'us-west')],
  cities: 0,
  ...part,
})

test('a link shows its one-way delay, delivered and dropped packets', () => {
  const shown = renderLab(status(), plain)
  assert.match(shown, /^shop-lab {2}lab 0123abcd {2}network up {2}world healthy, primary in us-east\n/)
  assert.match(shown, /us-east {2}us-west {2}30\.8 ms {7}– {5}– {5}– {5}1200 {8}7\n/)
})

test('a changed link shows its original delay', () => {
  const changed = link('us-east', 'us-west', {
    delayMs: 80,
    jitterMs: 5,
    lossShare: 0.015,
    rateBitsPerSecond: 1e8,
  })
  const shown = renderLab(status({ links: [changed, link('us-west', 'us-east', { cut: true })] }), plain)
  assert.match(shown, /80\.0 ms {2}± 5\.0 ms {2}1\.5 % {2}100 Mbit\/s .* changed, was 30\.8 ms/)
  assert.match(shown, /us-west {2}us-east .* cut\n/)
})

test('a lab without a network or a shaper names the command that restores it', () => {
  for (const [network, why] of [
    ['down', /The lab has no network: run `nearside lab up`/],
    ['no shaper', /The shaper is down, .*: run `nearside lab up`/],
  ] as const)
    assert.match(renderLab(status({ network, links: [] }), plain), why)
})

test('drops caused by a slow machine are reported separately from the link’s', () => {
  const totals = { unknown: 0, unwritten: 0, missed: 12, heldBytes: 0 }
  assert.match(
    renderLab(status({ totals, cities: 3 }), plain),
    /3 cities .*\n12 packets were dropped because/,
  )
  assert.doesNotMatch(renderLab(status({ totals: { ...totals, missed: 0 } }), plain), /packets/)
})

test('names the places that had to be created', () => {
  assert.equal(madeWords('shop-lab', ['router', 'us-east'], true), 'Created the network of shop-lab')
  assert.equal(
    madeWords('shop-lab', ['us-east', 'shaper'], false),
    'Restored the network of shop-lab: us-east and shaper',
  )
})
