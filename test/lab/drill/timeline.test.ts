import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { EventKind } from '../../../src/agent/coordination/event-kinds.ts'
import type { RegionStatus } from '../../../src/agent/http/status.ts'
import type { Guarantee } from '../../../src/lab/checker/index.ts'
import { figuresOf } from '../../../src/lab/drill/figures.ts'
import type { Sample } from '../../../src/lab/drill/sample.ts'
import { timelineOf } from '../../../src/lab/drill/timeline.ts'
import type { History } from '../../../src/lab/history.ts'
import { append } from './samples.ts'

const offset = 1_000_000_000_000

const header: History['header'] = { version: 1, world: 'shop', bootId: 'x', epochOffsetMs: offset }

const read = (id: number, edge: string, invokedMs: number, outcome: 'ok' | 'fail' = 'ok') =>
  ({
    id,
    user: 'u',
    edge,
    kind: 'page',
    path: '/',
    invokedMs,
    completedMs: invokedMs + 50,
    outcome,
    why: '',
  }) as const

suite('the timeline of a drill', () => {
  const seen = (okForMs: number | undefined) => ({
    ageMs: 100,
    seen: {
      'us-east': { edge: okForMs === undefined ? { ok: true, forMs: 9 } : { ok: false, forMs: okForMs } },
    },
  })
  const events = [
    { at: offset + 4_000, region: 'us-central', kind: 'primary', detail: { from: 'us-west', to: 'us-east' } },
    {
      at: offset + 12_300,
      region: 'us-west',
      kind: 'setHealth',
      detail: {
        region: 'us-east',
        state: 'unreachable',
        was: 'healthy',
        by: ['us-west', 'us-central'],
        inputs: { 'us-west': seen(2_050), 'us-central': seen(1_900), 'us-east': seen(undefined) },
      },
    },
    {
      at: offset + 12_350,
      region: 'us-west',
      kind: 'revokeLeader',
      detail: { leader: { region: 'us-east' } },
    },
    { at: offset + 12_900, region: 'us-west', kind: 'primary', detail: { from: 'us-east', to: 'us-west' } },
    {
      at: offset + 40_000,
      region: 'us-west',
      kind: 'setHealth',
      detail: { region: 'us-east', state: 'healthy', was: 'unreachable' },
    },
  ]
  const drillEvents = [
    { atMs: 10_000, kind: 'fault' as const, what: 'kill everything in us-east' },
    { atMs: 30_000, kind: 'healed' as const, what: 'restart us-east' },
  ]
  const sample = (atMs: number, durability: string): Sample => ({
    atMs,
    regions: [
      {
        name: 'us-west',
        status: {
          region: 'us-west',
          world: {
            ageMs: 100,
            durability,
            primary: 'us-west',
            lag: { 'us-east': { streaming: atMs !== 14_000 } },
          },
        } as unknown as RegionStatus,
      },
    ],
  })
  const history: History = {
    header,
    marks: [],
    ops: [
      append(0, 'us-west', 9_000, 9_100),
      append(1, 'us-east', 9_800, 10_020),
      append(2, 'us-west', 10_050, 13_120),
      append(3, 'us-east', 10_100, 10_200, 'fail'),
      append(4, 'us-west', 13_200, 13_300),
      append(5, 'us-west', 41_000, 41_100),
    ].map((op, i, all) => (i === 5 ? { ...op, invokedMs: 13_400, completedMs: 13_500 } : all[i]!)),
  }
  const timeline = timelineOf({
    drillEvents,
    events,
    samples: [
      sample(11_000, 'region'),
      sample(14_000, 'at risk'),
      sample(31_000, 'at risk'),
      sample(33_250, 'region'),
    ],
    history,
  })

  test('combines the drill’s actions, the agents’ decisions and the users’ answers', () => {
    assert.deepEqual(
      timeline.map(({ atMs, kind }) => [Math.round(atMs), kind]),
      [
        [0, 'fault'],
        [20, 'last write'],
        [150, 'probe'],
        [2_300, 'verdict'],
        [2_350, 'revoked'],
        [2_900, 'primary'],
        [3_120, 'write'],
        [20_000, 'healed'],
        [21_000, 'rejoined'],
        [23_250, 'synchronous'],
        [30_000, 'healthy'],
      ],
    )
    assert.match(
      timeline.find(({ kind }) => kind === 'probe')!.what,
      /^us-west sends the first probe of us-east that gets no answer$/,
    )
  })

  test('determines the figures', () => {
    const lost: Guarantee = {
      id: 'no-lost-writes',
      title: '',
      promised: true,
      violations: [{ guarantee: 'no-lost-writes', what: '', ops: [1] }],
      checkedOps: 5,
    }
    const ops = [...history.ops, read(10, 'us-east', 10_500, 'fail'), read(11, 'us-west', 10_500)]
    const figures = figuresOf({
      history: { ...history, ops },
      drillEvents,
      timeline,
      guarantees: [lost],
      hit: ['us-east'],
      slo: { latencyMs: 100, share: 0.95 },
    })
    assert.equal(figures.toVerdictMs, 2_300)
    assert.equal(figures.toWritableMs, 3_120)
    assert.deepEqual(figures.longestWritePause, { ms: 3_100, atMs: 20, open: false })
    assert.deepEqual(figures.writes, { acknowledged: 5, refused: 1, unknown: 0, lost: 1 })
    assert.deepEqual(figures.reads, { all: 2, failed: 1, failedElsewhere: 0, elsewhere: [] })
    assert.deepEqual(figures.users, {
      who: 'load',
      requests: 2,
      failed: 1,
      overSlo: 1,
      latencyMs: 100,
      share: 0.5,
      met: false,
    })
    assert.equal(figures.orders, undefined)
  })

  test('reports a lower limit for a pause of writes that never resume', () => {
    const figures = figuresOf({
      history: {
        header,
        marks: [],
        ops: [append(0, 'a', 9_000, 10_100), append(1, 'a', 10_200, 25_100, 'unknown')],
      },
      drillEvents,
      timeline: [],
      guarantees: [],
      hit: [],
      slo: { latencyMs: 100, share: 0.95 },
    })
    assert.deepEqual(figures.longestWritePause, { ms: 15_000, atMs: 100, open: true })
    assert.equal(figures.toWritableMs, undefined)
  })
})

test('every kind of event after the fault becomes a moment, and a kind of another version does not', () => {
  const history: History = { header, marks: [], ops: [] }
  const drillEvents = [{ atMs: 10_000, kind: 'fault' as const, what: 'pause us-east/postgres' }]
  const momentsOf = (kind: string, detail: Record<string, unknown>, atMs = 11_000) =>
    timelineOf({
      drillEvents,
      events: [{ at: offset + atMs, region: 'us-west', kind, detail }],
      samples: [],
      history,
    })
      .filter(({ kind }) => kind !== 'fault')
      .map(({ kind, what }) => [kind, what])
  const move = { from: 'us-east', to: 'us-west' }
  /** Complete: a kind without an example does not compile. */
  const expected: Record<EventKind, [detail: Record<string, unknown>, kind: string, what: string]> = {
    setHealth: [
      { region: 'us-east', state: 'unhealthy', by: ['us-west', 'us-central'] },
      'verdict',
      'us-east is unhealthy (according to us-west and us-central)',
    ],
    revokeLeader: [
      { leader: { region: 'us-east' } },
      'revoked',
      'us-west revokes the lease of the primary in us-east',
    ],
    forceFailover: [
      { ...move, unresponsiveMs: 5012 },
      'revoked',
      'forced failover: the primary in us-east is hung, us-west takes over',
    ],
    replicaReinit: [
      { region: 'us-east', from: 'us-west', segment: '05' },
      'other',
      'replica reinit: the database in us-east is copied again from us-west',
    ],
    primary: [move, 'primary', 'the primary is in us-west'],
    moveEtcdLeader: [move, 'other', 'the etcd leader moves to us-west'],
    purge: [{ number: 3, why: 'app-0 of us-west started' }, 'other', 'purge 3: app-0 of us-west started'],
    release: [{ outcome: 'ok' }, 'other', 'app.release in us-west: ok'],
    operator: [{ command: 'kill', regions: ['us-east'] }, 'other', 'an operator runs kill: us-east'],
    rollOut: [{ state: 'started', paths: ['a.b', 'c'] }, 'other', 'roll-out started: a.b, c'],
    switchover: [{ ...move, seconds: 3 }, 'other', 'switchover: the primary moved from us-east to us-west'],
  }
  for (const [kind, [detail, ...moment]] of Object.entries(expected)) {
    assert.deepEqual(momentsOf(kind, detail), [moment])
    const [[, what] = []] = momentsOf(kind, {})
    assert.doesNotMatch(what!, /undefined/, kind)
    assert.deepEqual(momentsOf(kind, detail, 9_900), [])
  }
  assert.deepEqual(momentsOf('drain', {}), [])
  assert.deepEqual(momentsOf('toString', {}), [])
})
