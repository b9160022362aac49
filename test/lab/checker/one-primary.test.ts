import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AppendOp, WriteOp } from '../../../src/lab/history.ts'
import { append, finalOf, historyOf, order, transfer, violationsOf } from './histories.ts'

const on = (server: string, timeline: number, during: [number, number], changes: Partial<AppendOp> = {}) =>
  append('l', `${server}${timeline}-${during}`, during, { place: { server, timeline }, ...changes })

const overlaps = (...ops: WriteOp[]) =>
  violationsOf('one-primary', historyOf(...ops), finalOf({})).map(({ what }) => what)

describe('two primaries', () => {
  test('are fine one after another, even if a region becomes primary again', () => {
    assert.deepEqual(
      overlaps(
        on('east', 1, [0, 10]),
        on('west', 2, [20, 30]),
        on('east', 3, [40, 50]),
        on('east', 3, [60, 70]),
      ),
      [],
    )
  })

  test('overlap if the old one acknowledges a write sent after the new one’s first answer', () => {
    const [found] = overlaps(
      on('east', 1, [0, 10]),
      on('west', 2, [20, 30]),
      on('east', 1, [31, 33]),
      on('east', 1, [32.5, 34]),
    )
    assert.match(
      found!,
      /^east acknowledged 2 writes on timeline 1 that were sent up to 2\.5 ms after west had acknowledged on timeline 2/,
    )
  })

  test('do not overlap because of a late answer, which a cut can delay', () => {
    assert.deepEqual(overlaps(on('east', 1, [0, 40_000]), on('west', 2, [5000, 5010])), [])
  })

  test('are compared by the time of COMMIT if known, because earlier steps may be slow', () => {
    const slow = on('east', 1, [0, 40_000], { commitSentMs: 39_000 })
    assert.equal(overlaps(slow, on('west', 2, [5000, 5010])).length, 1)
  })

  test('are compared for all kinds of writes with a known place', () => {
    const east = { place: { server: 'east', timeline: 1 } }
    const west = on('west', 2, [20, 30])
    assert.equal(overlaps(west, order('o1', [31, 33], east)).length, 1)
    assert.equal(
      overlaps(west, transfer('t1', ['x', 1, 'y'], { ...east, invokedMs: 31, completedMs: 33 })).length,
      1,
    )
    assert.deepEqual(overlaps(west, order('o1', [31, 33])), [])
  })

  test('do not overlap because of an unacknowledged write', () => {
    const ops = [on('west', 2, [20, 30]), on('east', 1, [31, 40], { outcome: 'unknown' })]
    assert.deepEqual(overlaps(...ops), [])
  })

  test('with the same timeline on two servers overlap if they alternate', () => {
    assert.deepEqual(overlaps(on('west', 2, [20, 30]), on('east', 2, [0, 10])), [])
    assert.equal(overlaps(on('east', 2, [0, 10]), on('west', 2, [20, 30]), on('east', 2, [40, 50])).length, 1)
  })

  test('overlap if a newer timeline ends before an older one begins', () => {
    assert.equal(overlaps(on('west', 2, [0, 10]), on('east', 1, [20, 30])).length, 1)
  })

  test('never overlap in consecutive terms; one late COMMIT of an old term always does', () => {
    const lengths = fc.array(fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 5 }), {
      minLength: 2,
      maxLength: 6,
    })
    fc.assert(
      fc.property(lengths, fc.nat(), (terms, pick) => {
        let now = 0
        const ops = terms.flatMap((writes, term) =>
          writes.map(([wait, takes]) => {
            const from = now
            now += wait + takes
            // Started at any time before, acknowledged within the term.
            return on(`s${term % 2}`, term + 1, [Math.max(0, from - wait), now++], { commitSentMs: from })
          }),
        )
        assert.deepEqual(overlaps(...ops), [])
        const old = 1 + (pick % (terms.length - 1))
        const late = on(`s${(old - 1) % 2}`, old, [now + 1, now + 2])
        assert.ok(overlaps(...ops, late).length > 0)
      }),
    )
  })
})
