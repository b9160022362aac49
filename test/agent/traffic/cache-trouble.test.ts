import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CacheActivity,
  type CacheMeasurement,
  type TroubleKind,
  troubleIn,
} from '../../../src/agent/traffic/cache-trouble.ts'
import { cacheTotals } from '../../../src/engines/varnish/counters.ts'

const MB = 1024 ** 2
const none = Object.fromEntries(
  [...cacheTotals, 'unstorable', 'noThread'].map((key) => [key, 0]),
) as CacheActivity

type Change = {
  gauges?: Partial<CacheMeasurement['gauges']>
  responses?: number
  minute?: Partial<CacheActivity>
  long?: Partial<CacheActivity>
}

/** A full cache of 6,000 objects with nothing else to report. */
const measured = ({ gauges, responses = 0, minute, long }: Change): CacheMeasurement => ({
  gauges: {
    managerUptimeSeconds: 1000,
    workerUptimeSeconds: 1000,
    usedBytes: 64 * MB,
    limitBytes: 64 * MB,
    transientUsedBytes: 0,
    transientLimitBytes: 32 * MB,
    objects: 6000,
    threads: 10,
    ...gauges,
  },
  responses,
  minute: { ...none, ...minute },
  long: { ...none, ...long },
  longSeconds: 300,
})

const kinds = (change: Change, before: TroubleKind[] = []) =>
  troubleIn(measured(change), before).map(({ kind }) => kind)

describe('evictions', () => {
  test('are trouble when objects stay for minutes only and requests miss', () => {
    assert.deepEqual(troubleIn(measured({ long: { evictions: 6000, hits: 3000, misses: 6000 } }), []), [
      { kind: 'evicting', perMinute: 1200, minutes: 5, missShare: 2 / 3, limitBytes: 64 * MB },
    ])
  })

  test('are averaged over the time that was measured, which is shorter after a start of the agent', () => {
    const young = { ...measured({ long: { evictions: 6000, hits: 3000, misses: 6000 } }), longSeconds: 120 }
    const [found] = troubleIn(young, [])
    assert.ok(found?.kind === 'evicting')
    assert.deepEqual([found.perMinute, found.minutes], [3000, 2])
  })

  test('are normal in a full cache whose objects stay for long', () => {
    assert.deepEqual(kinds({ long: { evictions: 600, hits: 100, misses: 600 } }), [])
  })

  test('are normal when a large object takes the place of many small ones', () => {
    assert.deepEqual(kinds({ long: { evictions: 750, hits: 0, misses: 1 } }), [])
  })

  test('are normal while almost every request hits', () => {
    assert.deepEqual(kinds({ long: { evictions: 6000, hits: 594_000, misses: 6000 } }), [])
  })

  test('stay trouble until objects stay for 20 minutes, or requests hit', () => {
    const half = { long: { evictions: 2000, hits: 1000, misses: 2000 } }
    assert.deepEqual([kinds(half), kinds(half, ['evicting'])], [[], ['evicting']])
    assert.deepEqual(kinds({ long: { evictions: 1400, hits: 0, misses: 1400 } }, ['evicting']), [])
    assert.deepEqual(kinds({ long: { evictions: 6000, hits: 94_000, misses: 6000 } }, ['evicting']), [])
  })

  test('of an empty cache divide by nothing', () => {
    assert.deepEqual(kinds({ gauges: { objects: 0 }, long: { evictions: 1, misses: 1 } }), [])
  })
})

describe('failed fetches', () => {
  test('are trouble from ten a minute on, if that is more than one in a hundred', () => {
    assert.deepEqual(kinds({ minute: { failedFetches: 9, fetches: 50 } }), [])
    assert.deepEqual(kinds({ minute: { failedFetches: 23, fetches: 5000 } }), [])
    assert.deepEqual(troubleIn(measured({ minute: { failedFetches: 23, fetches: 50 } }), []), [
      { kind: 'fetches failing', perMinute: 23, isFull: true },
    ])
    assert.deepEqual(
      troubleIn(measured({ gauges: { usedBytes: MB }, minute: { failedFetches: 23, fetches: 50 } }), []),
      [{ kind: 'fetches failing', perMinute: 23, isFull: false }],
    )
  })

  test('do not include responses with Early Hints, which bypass the cache by design', () => {
    assert.deepEqual(kinds({ minute: { failedFetches: 100, interimFetches: 95, fetches: 100 } }), [])
  })

  test('stay trouble until they are few', () => {
    const few = (failedFetches: number) =>
      kinds({ minute: { failedFetches, fetches: 50 } }, ['fetches failing'])
    assert.deepEqual([few(9), few(4), few(3), few(0)], [['fetches failing'], ['fetches failing'], [], []])
  })
})

describe('threads', () => {
  test('are short when HAProxy sent requests past Varnish for that reason', () => {
    assert.deepEqual(kinds({ responses: 1899 }), [])
    assert.deepEqual(troubleIn(measured({ responses: 1900, minute: { noThread: 12 } }), []), [
      { kind: 'no thread', perMinute: 12, responses: 1900 },
    ])
  })

  test('stay short while almost all are in use, although no request came', () => {
    assert.deepEqual(kinds({ responses: 1700 }, ['no thread']), ['no thread'])
    assert.deepEqual(kinds({ responses: 1500 }, ['no thread']), [])
  })
})

describe('transient storage', () => {
  const used = (share: number, before: TroubleKind[] = []) =>
    kinds({ gauges: { transientUsedBytes: share * 32 * MB } }, before)

  test('is trouble when it is almost full, or had no room', () => {
    assert.deepEqual([used(0.5), used(0.9)], [[], ['transient full']])
    assert.deepEqual(kinds({ minute: { transientFailures: 1 } }), ['transient full'])
  })

  test('stays trouble until a third is free', () => {
    assert.deepEqual(
      [used(0.8), used(0.8, ['transient full']), used(0.6, ['transient full'])],
      [[], ['transient full'], []],
    )
  })
})

test('crashes are reported for minutes, errors of Varnish’s own for one', () => {
  assert.deepEqual(kinds({ long: { crashes: 2 } }), ['crashing'])
  assert.deepEqual(kinds({ minute: { ownErrors: 1 } }), ['own errors'])
  assert.deepEqual(kinds({ minute: { dropped: 1 } }), ['own errors'])
  assert.deepEqual(kinds({ long: { ownErrors: 1, dropped: 1 } }), [])
})

test('requests that bypass the cache because their URL could not be stored are no trouble', () => {
  assert.deepEqual(kinds({ minute: { unstorable: 10_000, pipes: 100 } }), [])
})
