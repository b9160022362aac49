import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RegionStatus } from '../../../src/agent/http/status.ts'
import { defineTopology } from '../../../src/index.ts'
import { reportHtml } from '../../../src/lab/drill/html.ts'
import type { DrillPlan } from '../../../src/lab/drill/plan.ts'
import { edgesWithoutWrites } from '../../../src/lab/drill/recovery.ts'
import { runDrill } from '../../../src/lab/drill/run.ts'
import { resultText } from '../../../src/lab/drill/text.ts'
import type { DrillWorld } from '../../../src/lab/drill/types.ts'
import { clockMs, type NewOp, type RecordOp } from '../../../src/lab/history.ts'
import type { Workload } from '../../../src/lab/workloads/types.ts'
import { messageOf } from '../../../src/lib/errors.ts'
import { topologySchema } from '../../../src/topology/schema.ts'
import { append, plan } from './samples.ts'

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
  const healthyRegion = (name: string) => ({
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
   * A healthy world with a load that writes continuously. `lose` drops acknowledged writes, `mute` stops acknowledging
   * at the fault, `unsettled` does not recover before a second fault, and `stuck` cannot be healed.
   */
  function fakeWorld({ lose = false, fail = false, mute = false, unsettled = false, stuck = false } = {}) {
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
        if (fail) throw new Error('injection failed')
        broken = true
        injected += 1
        const heal = async () => {
          if (stuck) throw new Error('it holds')
          broken = false
        }
        return { record: {} as never, heal }
      },
      async sample() {
        const unanswered = unsettled && injected === 1
        return {
          atMs: clockMs(),
          regions: [healthyRegion('a'), healthyRegion('b'), unanswered ? { name: 'w' } : healthyRegion('w')],
        }
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

  test('a world that keeps its guarantees passes, and the report confirms it', async () => {
    const { world, state } = fakeWorld()
    const result = await runDrill(short, world, options(new AbortController().signal))
    assert.ok(result.ok, resultText(result))
    assert.deepEqual(state(), { broken: false, cleaned: 1 })
    assert.deepEqual(
      result.timeline.map(({ kind }) => kind),
      ['fault', 'healed', 'settled'],
    )
    assert.match(resultText(result), /no guarantee was broken/)
    const page = reportHtml({ ...result, notes: ['<script>'] }, '0')
    assert.match(page, /no guarantee was broken/)
    assert.doesNotMatch(page, /<script>|https?:/)
  })

  test('a world that loses acknowledged writes fails', async () => {
    const { world } = fakeWorld({ lose: true })
    const result = await runDrill(short, world, options(new AbortController().signal))
    assert.ok(!result.ok)
    assert.ok(result.figures.writes.lost > 10)
    assert.match(resultText(result), /violations/)
  })

  test('a world that reports itself healthy but acknowledges nothing has not recovered', async () => {
    const { world } = fakeWorld({ mute: true })
    const steps = short.steps.filter((step) => !(step.do === 'until' && step.what === 'writes'))
    const controller = new AbortController()
    const result = await runDrill({ ...short, steps }, world, {
      ...options(controller.signal),
      recoveryMs: 100,
    })
    assert.deepEqual([result.ok, result.settled], [false, false])
    assert.match(
      resultText(result),
      /b: acknowledged writes before the fault, but none after everything was healed/,
    )
    assert.match(resultText(result), /the world did not recover/)
  })

  test('recovery is checked for each edge separately', () => {
    const ops = [
      append(0, 'a', 0, 10),
      append(1, 'b', 0, 10),
      append(2, 'c', 0, 10, 'fail'),
      // Sent before everything was healed, so it may have been routed elsewhere.
      append(3, 'b', 90, 120),
      append(4, 'a', 101, 130),
      append(5, 'b', 102, 130, 'unknown'),
    ]
    assert.deepEqual(edgesWithoutWrites(ops, 50, 100), ['b'])
    assert.deepEqual(edgesWithoutWrites([...ops, append(6, 'b', 140, 150)], 50, 100), [])
  })

  test('a world that does not recover between faults fails, even if it is healthy at the end', async () => {
    const { world } = fakeWorld({ unsettled: true })
    const again = short.steps.map((step) => ('as' in step ? { ...step, as: 'again' } : step))
    const steps = [...short.steps.with(-1, { do: 'until', what: 'settled', limitMs: 100 }), ...again]
    const result = await runDrill({ ...short, steps }, world, options(new AbortController().signal))
    assert.deepEqual([result.ok, result.settled], [false, false])
    assert.match(resultText(result), /not within 100 ms: everything is ready/)
  })

  test('a fault that cannot be healed is reported and fails the drill', async () => {
    const { world, state } = fakeWorld({ stuck: true })
    const result = await runDrill(short, world, options(new AbortController().signal))
    assert.ok(!result.ok && state().broken)
    assert.match(resultText(result), /kill everything in a could not be healed: it holds/)
  })

  test('an interrupted drill heals, cleans up and rejects with the reason', async () => {
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

  test('a fault that cannot be injected ends the drill, and its data is removed', async () => {
    const { world, state } = fakeWorld({ fail: true })
    await assert.rejects(runDrill(short, world, options(new AbortController().signal)), /injection failed/)
    assert.deepEqual(state(), { broken: false, cleaned: 1 })
  })
})
