import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOutput } from '../../../src/cli/output.ts'
import { promisesOf } from '../../../src/lab/checker/index.ts'
import type { DrillPlan } from '../../../src/lab/drill/plan.ts'
import { runDrill } from '../../../src/lab/drill/run.ts'
import { settleLimitMs } from '../../../src/lab/drill/scenarios.ts'
import { resultText } from '../../../src/lab/drill/text.ts'
import { drillWorldOf, workloadsOf } from '../../../src/lab/drill/world.ts'
import { openFaultTarget } from '../../../src/lab/faults/open-target.ts'
import type { Fault } from '../../../src/lab/faults/table.ts'
import { openWorld } from '../../../src/world/handle.ts'
import type { LabWorld } from '../../support/lab/world.ts'
import type { TestWorld } from '../../support/world.ts'

/** Turns a guarantee off, to show that a drill reports it as broken. */
export function lost(lab: () => LabWorld): void {
  test('drill: with asynchronous commits, cutting off and killing the primary’s region loses writes and reports them', async (t) => {
    const { world } = lab()
    const primary = await world.find('primary')
    const others = world.regions.filter((region) => region !== primary)
    const handle = await openWorld(world.folder)
    const plan: DrillPlan = {
      scenario: 'cut off and killed',
      world: world.app.name,
      ground: 'lab',
      about: '',
      baselineMs: 1000,
      steps: [
        {
          do: 'inject',
          fault: { kind: 'cut', region: primary, from: others, direction: 'both', forMs: 60_000 },
          as: 'cut',
        },
        { do: 'until', what: 'verdict', limitMs: 30_000 },
        { do: 'inject', fault: { kind: 'kill-region', region: primary, forMs: 60_000 }, as: 'kill' },
        // Stays cut off until another region has taken over: the kernel still sends buffered data of dead processes.
        { do: 'until', what: 'writes', limitMs: 60_000 },
        { do: 'heal', which: 'cut' },
        { do: 'heal', which: 'kill' },
        { do: 'until', what: 'settled', limitMs: settleLimitMs },
      ],
      afterMs: 500,
      expects: [],
    }
    const output = createOutput({ json: true })
    const workloads = await workloadsOf(handle, { app: 'none', seed: 3 })
    const drillWorld = drillWorldOf(handle, await openFaultTarget(handle, output.note), workloads)
    const switchedOff = {
      ...drillWorld,
      async inject(fault: Fault) {
        if (fault.kind === 'cut') await asynchronous(handle, primary, world)
        return drillWorld.inject(fault)
      },
    }
    const result = await runDrill(plan, switchedOff, {
      seed: 3,
      promises: promisesOf(handle.record.topology),
      signal: AbortSignal.timeout(150_000),
      say: (text) => t.diagnostic(text),
    })
    t.diagnostic(resultText(result))
    assert.ok(!result.ok)
    assert.ok(result.figures.writes.lost > 0)
    const broken = result.guarantees.filter(({ promised, violations }) => promised && violations.length > 0)
    assert.ok(broken.some(({ id }) => id === 'no-lost-writes'))
    assert.match(resultText(result), /no acknowledged write is lost +broken/)
    await world.settled()
  })
}

/** Sets what `durability: 'local'` would, in a running world. The next primary’s agent reverts it. */
async function asynchronous(
  { secrets }: { secrets: { patroni: string } },
  primary: string,
  world: TestWorld,
): Promise<void> {
  const answer = await fetch(`http://${world.address(primary)}:8008/config`, {
    method: 'PATCH',
    headers: { authorization: `Basic ${btoa(`nearside:${secrets.patroni}`)}` },
    body: JSON.stringify({ synchronous_mode: false }),
  })
  assert.equal(answer.status, 200)
  await world.until('the primary to commit asynchronously', async () => {
    return (await world.status(primary))?.world?.durability === 'at risk'
  })
}
