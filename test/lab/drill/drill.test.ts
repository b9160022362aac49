import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { RegionStatus } from '../../../src/agent/http/status.ts'
import { defineTopology } from '../../../src/index.ts'
import type { Guarantee } from '../../../src/lab/checker/index.ts'
import { figuresOf } from '../../../src/lab/drill/figures.ts'
import { reportHtml } from '../../../src/lab/drill/html.ts'
import type { DrillPlan } from '../../../src/lab/drill/plan.ts'
import { type DrillRequest, planDrill } from '../../../src/lab/drill/plan-drill.ts'
import { silentEdges } from '../../../src/lab/drill/recovery.ts'
import { runDrill } from '../../../src/lab/drill/run.ts'
import type { Sample } from '../../../src/lab/drill/sample.ts'
import { scenarioNames } from '../../../src/lab/drill/scenarios.ts'
import { impaired, roundOf, stepsOf } from '../../../src/lab/drill/schedule.ts'
import { planText, resultText } from '../../../src/lab/drill/text.ts'
import { timelineOf } from '../../../src/lab/drill/timeline.ts'
import type { DrillWorld } from '../../../src/lab/drill/types.ts'
import { clockMs, type History, type NewOp, type RecordOp } from '../../../src/lab/history.ts'
import type { Workload } from '../../../src/lab/workloads/types.ts'
import { messageOf } from '../../../src/lib/errors.ts'
import { topologySchema } from '../../../src/topology/schema.ts'

const regions = [
  { name: 'us-east', full: true, serves: true, votes: true },
  { name: 'us-west', full: true, serves: true, votes: true },
  { name: 'us-central', full: false, serves: false, votes: true },
]
const plan = (scenario: string, more: Partial<DrillRequest> = {}) =>
  planDrill({
    scenario,
    words: [],
    options: {},
    world: 'shop',
    ground: 'lab',
    facts: { regions, primary: 'us-west' },
    ...more,
  })
const refusal = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    const { message, remedy } = error as { message: string; remedy?: string }
    return `${message} | ${remedy}`
  }
  return 'accepted'
}

suite('the plan of a drill', () => {
  test('is a value that says what will be done, before anything is', () => {
    const { steps } = plan('region-loss', { options: { for: '30s' } })
    assert.deepEqual(steps, [
      { do: 'inject', fault: { kind: 'kill-region', region: 'us-west', forMs: 30_000 }, as: 'fault' },
      { do: 'until', what: 'writes', limitMs: 60_000 },
      { do: 'wait', ms: 30_000 },
      { do: 'heal', which: 'fault' },
      { do: 'until', what: 'settled', limitMs: 240_000 },
    ])
    assert.match(
      planText(plan('region-loss')),
      /us-west is killed as by a power cut for 20 s; it holds the primary/,
    )
  })

  test('every scenario has one in a lab of two regions and a witness, and none names a region that is not there', () => {
    for (const scenario of scenarioNames) {
      const text = planText(plan(scenario))
      assert.match(text, /A world that keeps its promises shows/, scenario)
      assert.doesNotMatch(text, /undefined/, scenario)
    }
  })

  test('what the world cannot rehearse is refused, and what was mistyped gets a suggestion', () => {
    assert.match(
      refusal(() => plan('partition', { ground: 'local' })),
      /no network that could be cut.*nearside lab up/,
    )
    assert.match(
      refusal(() => plan('region-los')),
      /did you mean region-loss\?/,
    )
    assert.match(
      refusal(() => plan('region-loss', { words: ['us-wset'] })),
      /did you mean us-west\?/,
    )
    assert.match(
      refusal(() => plan('replica-loss', { words: ['us-west'] })),
      /holds the primary/,
    )
    assert.match(
      refusal(() => plan('partition', { unreachable: true })),
      /has no --unreachable \| leave it out: packets vanish there anyway/,
    )
    assert.match(
      refusal(() => plan('one-way-cut', { options: { direction: 'both' } })),
      /expected out or in, got "both" \| both ways: nearside drill partition us-west/,
    )
    for (const ground of ['lab', 'local'] as const)
      assert.match(
        refusal(() => plan('disk-full', { ground, facts: { regions, primary: 'us-west', smallDisks: [] } })),
        /no disk of its own .* \| .*nearside lab up --small-disk us-west=1gb/,
      )
    assert.match(
      refusal(() => plan('replica-loss', { words: ['us-central'] })),
      /us-central holds no data \| nearside drill witness-loss us-central/,
    )
    assert.match(
      refusal(() => plan('witness-loss', { words: ['us-west'] })),
      /us-west holds data \| nearside drill region-loss us-west/,
    )
    assert.match(
      refusal(() => plan('witness-loss', { words: ['us-east'] })),
      /us-east holds data \| nearside drill replica-loss us-east/,
    )
    assert.match(
      refusal(() => plan('witness-loss', { words: ['us-centrl'] })),
      /did you mean us-central\?/,
    )
    assert.match(
      refusal(() => plan('region-loss', { facts: { regions } })),
      /no agent knows where the primary is/,
    )
    assert.match(
      refusal(() => plan('etcd-quorum', { words: ['us-east'] })),
      /expected .* got us-east/,
    )
  })

  test('a rolling restart leaves the primary’s region for the end', () => {
    const order = plan('rolling-restart').steps.flatMap((step) =>
      step.do === 'inject' && 'region' in step.fault ? [step.fault.region] : [],
    )
    assert.deepEqual(order, ['us-east', 'us-central', 'us-west'])
  })
})

suite('the schedule of a soak', () => {
  const options = (seed: number) => ({ seed, regions, ground: 'lab' as const })

  test('is the same for the same seed, and another for another', () => {
    const rounds = (seed: number) => Array.from({ length: 20 }, (_, i) => roundOf(i, options(seed)))
    assert.deepEqual(rounds(7), rounds(7))
    assert.notDeepEqual(rounds(7), rounds(8))
  })

  test('takes away no more than one region at a time, which is what this topology promises to survive', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 500 }), (seed, number) => {
        const { faults } = roundOf(number, options(seed))
        assert.ok(faults.length > 0)
        assert.ok(new Set(faults.flatMap(({ fault }) => impaired(fault))).size <= 1)
      }),
    )
  })

  test('beyond it, regions fail together in some round', () => {
    const worst = Array.from({ length: 50 }, (_, i) => roundOf(i, { ...options(1), beyond: true })).map(
      ({ faults }) => new Set(faults.flatMap(({ fault }) => impaired(fault))).size,
    )
    assert.ok(Math.max(...worst) >= 2)
  })

  test('heals everything that it has injected, each at its time, and then waits for the world', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const round = roundOf(0, options(seed))
        const steps = stepsOf(round, 1000)
        const paused = steps.reduce((sum, step) => sum + (step.do === 'pause' ? step.ms : 0), 0)
        assert.equal(paused, round.forMs)
        const lasting = steps.flatMap((step) =>
          step.do === 'inject' && 'forMs' in step.fault ? [step.as] : [],
        )
        const healed = steps.flatMap((step) => (step.do === 'heal' ? [step.which] : []))
        assert.deepEqual(healed.sort(), lasting.sort())
        assert.deepEqual(steps.at(-1), { do: 'until', what: 'settled', limitMs: 1000 })
      }),
    )
  })
})

const offset = 1_000_000_000_000
const header: History['header'] = { version: 1, world: 'shop', bootId: 'x', epochOffsetMs: offset }
/** An append at one edge, from one time to another. */
const append = (
  id: number,
  edge: string,
  invokedMs: number,
  completedMs: number,
  outcome: 'ok' | 'fail' | 'unknown' = 'ok',
) =>
  ({
    id,
    user: 'u',
    edge,
    kind: 'append',
    list: 'l',
    value: `v${id}`,
    invokedMs,
    completedMs,
    outcome,
    why: '',
  }) as const
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
    { atMs: 30_000, kind: 'healed' as const, what: 'start us-east again' },
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

  test('puts together what the drill did, what agents decided and what users were told', () => {
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
    assert.match(timeline.find(({ kind }) => kind === 'probe')!.what, /us-east .* by us-west/)
  })

  test('and the figures follow from it', () => {
    const lost: Guarantee = {
      id: 'acknowledged-stays',
      title: '',
      promised: true,
      violations: [{ guarantee: 'acknowledged-stays', what: '', ops: [1] }],
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

  test('writes that never come back are said to have paused at least so long', () => {
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

suite('running a plan', () => {
  const topology = topologySchema.parse(
    defineTopology({
      name: 'shop',
      domain: 'shop.example.com',
      regions: {
        a: { location: { lat: 0, lon: 0 } },
        b: { location: { lat: 1, lon: 1 } },
        w: { location: { lat: 2, lon: 2 }, role: 'witness' },
      },
      app: { command: ['x'] },
    }),
  )
  const well = (name: string) => ({
    name,
    status: {
      region: name,
      ready: true,
      etcd: {},
      processes: [],
      world: { ageMs: 0, durability: 'region', health: { a: 'healthy' }, lag: {}, agents: [], primary: 'a' },
    } as unknown as RegionStatus,
  })

  /**
   * A world that is always well, with a load that writes all the time; `lose` forgets what was acknowledged then, `mute`
   * acknowledges nothing any more from the fault on, `ill` is not well again before a second fault, and `stuck` cannot
   * be healed.
   */
  function fakeWorld({ lose = false, fail = false, mute = false, ill = false, stuck = false } = {}) {
    const said: string[] = []
    const values: string[] = []
    let broken = false
    let injected = 0
    let cleaned = 0
    let id = 0
    const workload: Workload = {
      name: 'ledger',
      prepare: async () => undefined,
      async run(signal: AbortSignal, record: RecordOp) {
        while (!signal.aborted) {
          const invokedMs = clockMs()
          await sleep(4)
          const value = `v${id++}`
          if (!(lose && broken)) values.push(value)
          record({
            user: 'u',
            edge: 'b',
            kind: 'append',
            list: 'l',
            value,
            invokedMs,
            completedMs: clockMs(),
            outcome: mute && injected > 0 ? 'unknown' : 'ok',
            why: '',
          } as NewOp)
        }
      },
      final: async () => ({
        views: [{ region: 'a', source: 'primary', lists: [['l', values]] }],
        absent: [],
      }),
      async cleanUp() {
        cleaned += 1
      },
    }
    const world: DrillWorld = {
      name: 'shop',
      topology,
      fullRegions: 2,
      async inject() {
        if (fail) throw new Error('no such luck')
        broken = true
        injected += 1
        const heal = async () => {
          if (stuck) throw new Error('it holds')
          broken = false
        }
        return { record: {} as never, heal }
      },
      async sample() {
        const silent = ill && injected === 1
        return { atMs: clockMs(), regions: [well('a'), well('b'), silent ? { name: 'w' } : well('w')] }
      },
      events: async () => [],
      workloads: [workload],
    }
    return { world, said, state: () => ({ broken, cleaned }) }
  }
  const short: DrillPlan = {
    ...plan('region-loss'),
    baselineMs: 100,
    afterMs: 50,
    steps: [
      { do: 'inject', fault: { kind: 'kill-region', region: 'a', forMs: 1000 }, as: 'fault' },
      { do: 'until', what: 'writes', limitMs: 1000 },
      { do: 'wait', ms: 200 },
      { do: 'heal', which: 'fault' },
      { do: 'until', what: 'settled', limitMs: 1000 },
    ],
  }
  const options = (signal: AbortSignal) => ({
    seed: 1,
    promises: { durability: 'region' as const, readYourWrites: false, monotonicReads: false },
    signal,
    say: () => undefined,
  })

  test('a world that keeps its promises passes, and the report says so', async () => {
    const { world, state } = fakeWorld()
    const result = await runDrill(short, world, options(new AbortController().signal))
    assert.ok(result.ok, resultText(result))
    assert.deepEqual(state(), { broken: false, cleaned: 1 })
    assert.deepEqual(
      result.timeline.map(({ kind }) => kind),
      ['fault', 'healed', 'settled'],
    )
    assert.match(resultText(result), /no promise was broken/)
    const page = reportHtml({ ...result, notes: ['<script>'] }, '0')
    assert.match(page, /no promise was broken/)
    assert.doesNotMatch(page, /<script>|https?:/)
  })

  test('a world that loses what it has acknowledged does not', async () => {
    const { world } = fakeWorld({ lose: true })
    const result = await runDrill(short, world, options(new AbortController().signal))
    assert.ok(!result.ok)
    assert.ok(result.figures.writes.lost > 10)
    assert.match(resultText(result), /violations/)
  })

  test('a world that calls itself well and acknowledges nothing any more has not come back', async () => {
    const { world } = fakeWorld({ mute: true })
    const steps = short.steps.filter((step) => !(step.do === 'until' && step.what === 'writes'))
    const controller = new AbortController()
    const result = await runDrill({ ...short, steps }, world, {
      ...options(controller.signal),
      recoveryMs: 100,
    })
    assert.deepEqual([result.ok, result.settled], [false, false])
    assert.match(resultText(result), /b: no write was acknowledged there after everything was healed/)
    assert.match(resultText(result), /the world has not come back/)
  })

  test('edges are told apart: one that takes writes again does not speak for another', () => {
    const ops = [
      append(0, 'a', 0, 10),
      append(1, 'b', 0, 10),
      append(2, 'c', 0, 10, 'fail'),
      // Sent before everything was healed: it may have been led elsewhere.
      append(3, 'b', 90, 120),
      append(4, 'a', 101, 130),
      append(5, 'b', 102, 130, 'unknown'),
    ]
    assert.deepEqual(silentEdges(ops, 50, 100), ['b'])
    assert.deepEqual(silentEdges([...ops, append(6, 'b', 140, 150)], 50, 100), [])
  })

  test('a world that was not well again after one of several faults does not pass for what it is at the end', async () => {
    const { world } = fakeWorld({ ill: true })
    const again = short.steps.map((step) => ('as' in step ? { ...step, as: 'again' } : step))
    const steps = [...short.steps.with(-1, { do: 'until', what: 'settled', limitMs: 100 }), ...again]
    const result = await runDrill({ ...short, steps }, world, options(new AbortController().signal))
    assert.deepEqual([result.ok, result.settled], [false, false])
    assert.match(resultText(result), /100 ms have passed, and not yet: everything is ready/)
  })

  test('a fault that cannot be healed is told, and the drill has not passed', async () => {
    const { world, state } = fakeWorld({ stuck: true })
    const result = await runDrill(short, world, options(new AbortController().signal))
    assert.ok(!result.ok && state().broken)
    assert.match(resultText(result), /kill everything in a could not be healed: it holds/)
  })

  test('interrupted at any moment, it heals, cleans up and ends with the reason', async () => {
    for (const afterMs of [20, 150, 250, 400]) {
      const { world, state } = fakeWorld()
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('Ctrl-C')), afterMs)
      const steps = [...short.steps.slice(0, 2), { do: 'wait' as const, ms: 60_000 }]
      const why = await runDrill({ ...short, steps }, world, options(controller.signal)).catch(messageOf)
      assert.match(String(why), /Ctrl-C|aborted/)
      assert.equal(state().broken, false)
    }
  })

  test('a fault that cannot be injected ends it, and what was made is removed', async () => {
    const { world, state } = fakeWorld({ fail: true })
    await assert.rejects(runDrill(short, world, options(new AbortController().signal)), /no such luck/)
    assert.deepEqual(state(), { broken: false, cleaned: 1 })
  })
})
