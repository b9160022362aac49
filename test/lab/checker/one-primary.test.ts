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
  test('one after the other are fine, also when a region becomes primary again', () => {
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

  test('an old one that acknowledges what was sent after the new one’s first answer overlaps', () => {
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

  test('an answer that was only late proves nothing: a cut can hold it back', () => {
    assert.deepEqual(overlaps(on('east', 1, [0, 40_000]), on('west', 2, [5000, 5010])), [])
  })

  test('it counts when COMMIT was sent, if that is known: what came before may have taken long', () => {
    const slow = on('east', 1, [0, 40_000], { commitSentMs: 39_000 })
    assert.equal(overlaps(slow, on('west', 2, [5000, 5010])).length, 1)
  })

  test('it makes no difference what was written, if it is known where', () => {
    const east = { place: { server: 'east', timeline: 1 } }
    const west = on('west', 2, [20, 30])
    assert.equal(overlaps(west, order('o1', [31, 33], east)).length, 1)
    assert.equal(
      overlaps(west, transfer('t1', ['x', 1, 'y'], { ...east, invokedMs: 31, completedMs: 33 })).length,
      1,
    )
    assert.deepEqual(overlaps(west, order('o1', [31, 33])), [])
  })

  test('what an old one could not acknowledge is no overlap', () => {
    const ops = [on('west', 2, [20, 30]), on('east', 1, [31, 40], { outcome: 'unknown' })]
    assert.deepEqual(overlaps(...ops), [])
  })

  test('the same timeline at two servers: one after the other is none, in turns is one', () => {
    assert.deepEqual(overlaps(on('west', 2, [20, 30]), on('east', 2, [0, 10])), [])
    assert.equal(overlaps(on('east', 2, [0, 10]), on('west', 2, [20, 30]), on('east', 2, [40, 50])).length, 1)
  })

  test('a newer timeline that ends before an older one begins is an overlap as well', () => {
    assert.equal(overlaps(on('west', 2, [0, 10]), on('east', 1, [20, 30])).length, 1)
  })

  test('reigns that follow each other are never accused; one late COMMIT of an old one always is', () => {
    const lengths = fc.array(fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 5 }), {
      minLength: 2,
      maxLength: 6,
    })
    fc.assert(
      fc.property(lengths, fc.nat(), (reigns, pick) => {
        let now = 0
        const ops = reigns.flatMap((writes, reign) =>
          writes.map(([wait, takes]) => {
            const from = now
            now += wait + takes
            // Begun at any time before, acknowledged within the reign.
            return on(`s${reign % 2}`, reign + 1, [Math.max(0, from - wait), now++], { commitSentMs: from })
          }),
        )
        assert.deepEqual(overlaps(...ops), [])
        const old = 1 + (pick % (reigns.length - 1))
        const late = on(`s${(old - 1) % 2}`, old, [now + 1, now + 2])
        assert.ok(overlaps(...ops, late).length > 0)
      }),
    )
  })
})
