import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheTrouble, TroubleKind } from '../../../src/agent/traffic/cache-trouble.ts'
import { cacheProblems } from '../../../src/world/status/cache-problems.ts'
import { changesIn } from '../../../src/world/status/changes.ts'
import type { RegionReport } from '../../../src/world/status/types.ts'
import { sampleRegions, statusOf } from './sample.ts'

const MB = 1024 ** 2
const [east, west, central] = sampleRegions() as [RegionReport, RegionReport, RegionReport]
const withTrouble = (...trouble: CacheTrouble[]): RegionReport => ({
  ...east,
  cache: { kind: 'unknown', trouble },
})
const evicting = {
  kind: 'evicting',
  perMinute: 1200,
  minutes: 5,
  missShare: 2 / 3,
  limitBytes: 64 * MB,
} as const

test('a cache in trouble is a problem of its region, with cause and remedy, and degrades the world', () => {
  const status = statusOf([withTrouble(evicting), west, central])
  assert.equal(status.health, 'degraded')
  assert.deepEqual(status.problems, [
    {
      code: 'cache_evicts',
      region: 'us-east',
      message:
        'us-east: the cache evicted 1,200 objects a minute (average of the last 5 minutes) and 67 % of its requests missed: cdn.maxMemory (64 MB) is too small for what is used',
      remedy: 'raise cdn.maxMemory and run `nearside up`',
    },
  ])
})

test('a cache without trouble, or of an agent that does not report it, is no problem', () => {
  assert.deepEqual(statusOf([withTrouble(), west, central]).problems, [])
})

/** Complete, so that the compiler finds a new kind missing. */
const shown: Record<TroubleKind, [CacheTrouble, code: string, message: RegExp]> = {
  evicting: [evicting, 'cache_evicts', /1,200 objects a minute/],
  'fetches failing': [
    { kind: 'fetches failing', perMinute: 23, isFull: false },
    'cache_fetches_fail',
    /fail \(23 in the last minute\): the app breaks its responses off; those requests go to the app/,
  ],
  'no thread': [
    { kind: 'no thread', perMinute: 310, responses: 1900 },
    'cache_no_thread',
    /no thread left for 310 requests in the last minute, which went to the app; 1,900 responses under way/,
  ],
  'transient full': [
    { kind: 'transient full', usedBytes: 31 * MB, limitBytes: 32 * MB },
    'cache_transient_full',
    /31 MB of 32 MB/,
  ],
  crashing: [{ kind: 'crashing', crashes: 1, minutes: 5 }, 'cache_crashes', /1 time in the last 5 minutes/],
  'own errors': [{ kind: 'own errors', perMinute: 3 }, 'cache_errors', /3 in the last minute/],
  unmeasured: [{ kind: 'unmeasured', why: 'varnishstat: no' }, 'cache_unmeasured', /varnishstat: no/],
}

for (const [kind, [trouble, code, message]] of Object.entries(shown))
  test(`${kind} is shown as ${code}`, () => {
    const [problem] = statusOf([withTrouble(trouble), west, central]).problems
    assert.equal(problem?.code, code)
    assert.match(problem.message, message)
  })

test('a full cache explains failed fetches better than the app', () => {
  const about = (code: string, message: string, remedy = '') => ({ code, message, remedy })
  const trouble = { kind: 'fetches failing', perMinute: 23, isFull: true } as const
  const [problem] = cacheProblems(withTrouble(trouble), about)
  assert.match(problem!.message, /or they find no room in the full cache/)
  assert.match(problem!.remedy!, /cdn\.maxMemory/)
})

test('changed figures of the same trouble are not logged as a change', () => {
  const at = (perMinute: number) =>
    statusOf([withTrouble({ ...evicting, perMinute, missShare: 0.5 }), west, central])
  assert.deepEqual(changesIn(at(900), at(1200)), [])
  assert.equal(changesIn(statusOf([east, west, central]), at(1200)).length, 1)
})
