import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { scenarioNames } from '../../../src/lab/drill/scenarios.ts'
import { planText } from '../../../src/lab/drill/text.ts'
import { plan, regions } from './samples.ts'

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
  test('is a value that describes all steps beforehand', () => {
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
      /us-west is killed, like in a power failure, for 20 s; it holds the primary/,
    )
  })

  test('exists for every scenario in a lab of two regions and a witness, and names only existing regions', () => {
    for (const scenario of scenarioNames) {
      const text = planText(plan(scenario))
      assert.match(text, /^Expected$/m, scenario)
      assert.doesNotMatch(text, /undefined/, scenario)
    }
  })

  test('is refused if the world cannot rehearse it, and typos get a suggestion', () => {
    assert.match(
      refusal(() => plan('partition', { ground: 'local' })),
      /no network to cut.*nearside lab up/,
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
      /does not support --unreachable \| omit it: this scenario drops packets anyway/,
    )
    assert.match(
      refusal(() => plan('one-way-cut', { options: { direction: 'both' } })),
      /expected out or in, got "both" \| for both directions, run: nearside drill partition us-west/,
    )
    for (const ground of ['lab', 'local'] as const)
      assert.match(
        refusal(() => plan('disk-full', { ground, facts: { regions, primary: 'us-west', smallDisks: [] } })),
        /no disk of its own .* \| .*nearside lab up --small-disk us-west=1gb/,
      )
    assert.match(
      refusal(() => plan('replica-loss', { words: ['us-central'] })),
      /us-central holds no data \| run: nearside drill witness-loss us-central/,
    )
    assert.match(
      refusal(() => plan('witness-loss', { words: ['us-west'] })),
      /us-west holds data \| run: nearside drill region-loss us-west/,
    )
    assert.match(
      refusal(() => plan('witness-loss', { words: ['us-east'] })),
      /us-east holds data \| run: nearside drill replica-loss us-east/,
    )
    assert.match(
      refusal(() => plan('witness-loss', { words: ['us-centrl'] })),
      /did you mean us-central\?/,
    )
    assert.match(
      refusal(() => plan('region-loss', { facts: { regions } })),
      /no agent knows the primary/,
    )
    assert.match(
      refusal(() => plan('etcd-quorum', { words: ['us-east'] })),
      /expected .* got us-east/,
    )
  })

  test('restarts the primary’s region last in a rolling restart', () => {
    const order = plan('rolling-restart').steps.flatMap((step) =>
      step.do === 'inject' && 'region' in step.fault ? [step.fault.region] : [],
    )
    assert.deepEqual(order, ['us-east', 'us-central', 'us-west'])
  })
})
