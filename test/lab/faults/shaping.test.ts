import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { changesOf } from '../../../src/lab/faults/drivers/links.ts'
import { linksUnder } from '../../../src/lab/faults/shaping.ts'
import type { Fault } from '../../../src/lab/faults/table.ts'
import type { Link } from '../../../src/lab/wan/index.ts'
import { parse } from './samples.ts'

suite('links under faults', () => {
  const link = (from: string, to: string): Link => ({
    from,
    to,
    params: { delayMs: 30, jitterMs: 0, lossShare: 0, rateBitsPerSecond: 0, cut: false },
  })
  const base = ['us-east', 'us-west', 'us-central', 'city:0'].flatMap((from, _, all) =>
    all.filter((to) => to !== from).map((to) => link(from, to)),
  )
  const under = (faults: Fault[]) => linksUnder(base, changesOf(faults.map((fault) => ({ fault }))))
  const cuts = (faults: Fault[]) =>
    under(faults)
      .filter(({ params }) => params.cut)
      .map(({ from, to }) => `${from}>${to}`)

  test('a one-way cut leaves the opposite direction', () => {
    assert.deepEqual(cuts([parse('cut', ['us-east'], { from: 'us-west', direction: 'out' })]), [
      'us-east>us-west',
    ])
    assert.deepEqual(cuts([parse('cut', ['us-east'], { from: 'us-west', direction: 'in' })]), [
      'us-west>us-east',
    ])
    assert.deepEqual(cuts([parse('cut', ['us-east'], { from: 'users' })]), [
      'us-east>city:0',
      'city:0>us-east',
    ])
  })

  test('overlapping faults add up, and healing one leaves the other', () => {
    const slow = parse('slow-link', ['us-east', 'us-west'], { delay: '50ms' })
    const lossy = parse('lossy-link', ['us-east', 'us-west'], { loss: '50%', direction: 'out' })
    const on = (faults: Fault[]) =>
      under(faults).find(({ from, to }) => from === 'us-east' && to === 'us-west')!.params
    assert.deepEqual(on([slow, slow, lossy, lossy]), {
      ...link('', '').params,
      delayMs: 130,
      lossShare: 0.75,
    })
    assert.deepEqual(on([lossy]), { ...link('', '').params, lossShare: 0.5 })
    assert.deepEqual(under([]), base)
  })
})
