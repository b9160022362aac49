import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  agreementLimitMs,
  revisionToAgree,
  revisionToUse,
  type TableReport,
} from '../../src/steering/agreement.ts'

const both = ['us-east', 'us-west']
const report = (wants: string | undefined, ...holds: string[]): TableReport => ({
  ...(wants === undefined ? {} : { wants }),
  holds,
})
const agree = (
  agreed: string | undefined,
  reports: Record<string, TableReport | undefined>,
  { expected = both, waitedMs = 0 } = {},
) => revisionToAgree({ agreed, reports, expected, waitedMs })

describe('the table to agree on', () => {
  test('is the new one once every region holds it', () => {
    assert.equal(
      agree('old', { 'us-east': report('new', 'old', 'new'), 'us-west': report('new', 'old') }),
      undefined,
    )
    assert.equal(
      agree('old', { 'us-east': report('new', 'old', 'new'), 'us-west': report('new', 'old', 'new') }),
      'new',
    )
  })

  test('waits for a region whose agent does not report, unless the region is unreachable', () => {
    const reports = { 'us-east': report('new', 'old', 'new') }
    assert.equal(agree('old', reports), undefined)
    assert.equal(agree('old', reports, { expected: ['us-east'] }), 'new')
  })

  test('after the limit needs a majority only, and never less', () => {
    const three = ['a', 'b', 'c']
    const two = { a: report('new', 'new'), b: report('new', 'new'), c: report('old', 'old') }
    assert.equal(agree('old', two, { expected: three, waitedMs: agreementLimitMs - 1 }), undefined)
    assert.equal(agree('old', two, { expected: three, waitedMs: agreementLimitMs }), 'new')
    const one = { a: report('new', 'new'), b: report('old', 'old'), c: report('old', 'old') }
    assert.equal(agree('old', one, { expected: three, waitedMs: agreementLimitMs * 9 }), undefined)
  })

  test('is at first that of the agents that report, since nothing could be contradicted', () => {
    assert.equal(agree(undefined, { 'us-west': report('new', 'new') }), 'new')
    assert.equal(agree(undefined, { 'us-east': report('new'), 'us-west': report('new', 'new') }), undefined)
  })

  test('does not change while no database can be read', () => {
    assert.equal(
      agree('old', { 'us-east': report(undefined, 'old'), 'us-west': report(undefined, 'old') }),
      undefined,
    )
  })

  test('is the same for every agent, also when two are wanted by as many', () => {
    const some = { a: report('x', 'x', 'y'), b: report('y', 'x', 'y') }
    const swapped = { b: some.b, a: some.a }
    assert.equal(agree('old', some, { expected: ['a', 'b'] }), 'x')
    assert.equal(agree('old', swapped, { expected: ['a', 'b'] }), 'x')
  })
})

test('a region answers from the agreed table, else from the one that it uses, else from its own, else from none', () => {
  const use = (
    agreed: string | undefined,
    uses: string | undefined,
    wants: string | undefined,
    held: string[],
  ) => revisionToUse({ agreed, uses, wants, holds: (revision) => held.includes(revision) })
  assert.equal(use('agreed', 'used', 'own', ['agreed', 'used', 'own']), 'agreed')
  assert.equal(use('agreed', 'used', 'own', ['used', 'own']), 'used')
  assert.equal(use('agreed', undefined, 'own', ['own']), 'own')
  assert.equal(use('agreed', undefined, undefined, []), undefined)
  // Before the first agreement all agents wait for each other.
  assert.equal(use(undefined, undefined, 'own', ['own']), undefined)
  assert.equal(use(undefined, 'used', 'own', ['used', 'own']), 'used')
})
