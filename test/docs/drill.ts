import { guarantees } from '../../src/lab/checker/guarantees.ts'
import { type GuaranteeId, guaranteeIds } from '../../src/lab/checker/types.ts'
import { figuresOf } from '../../src/lab/drill/figures.ts'
import { waitedFor } from '../../src/lab/drill/steps.ts'
import { resultText } from '../../src/lab/drill/text.ts'
import { timelineOf } from '../../src/lab/drill/timeline.ts'
import { describeEffect, describeHealing } from '../../src/lab/faults/describe.ts'
import type { Fault } from '../../src/lab/faults/table.ts'
import type { History, Op } from '../../src/lab/history.ts'
import { append, plan } from '../lab/drill/samples.ts'

/** What a drill prints that has lost the primary's region and everything else went well. */

const faultMs = 10_000

const pages = (edge: string, count: number): Op[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ id: 100 + i, user: 'u', edge, kind: 'page' as const, path: '/' },
    ...{ invokedMs: faultMs + 200, completedMs: faultMs + 250, outcome: 'fail' as const, why: 'HTTP 502' },
  }))

export function sampleDrill(): string {
  const by = ['us-west', 'us-central']
  const seen = (forMs: number) => ({ ageMs: 100, seen: { 'us-east': { edge: { ok: false, forMs } } } })
  const events = [
    {
      at: faultMs + 2330,
      region: 'us-west',
      kind: 'setHealth',
      detail: {
        region: 'us-east',
        state: 'unreachable',
        by,
        inputs: { 'us-west': seen(1950), 'us-central': seen(1900) },
      },
    },
    {
      at: faultMs + 2350,
      region: 'us-central',
      kind: 'revokeLeader',
      detail: { leader: { region: 'us-east' }, by },
    },
    {
      at: faultMs + 2490,
      region: 'us-west',
      kind: 'primary',
      detail: { from: 'us-east', to: 'us-west' },
    },
  ]
  const fault = { kind: 'kill-region', region: 'us-east', forMs: 20_000 } as Fault
  const drillEvents = [
    { atMs: faultMs, kind: 'fault' as const, what: describeEffect(fault), as: 'loss' },
    { atMs: faultMs + 20_240, kind: 'healed' as const, what: describeHealing(fault)!, as: 'loss' },
    { atMs: faultMs + 35_120, kind: 'settled' as const, what: waitedFor.settled },
  ]
  const history: History = {
    header: { version: 1, world: 'shop', bootId: 'x', epochOffsetMs: 0 },
    marks: [],
    ops: [
      append(0, 'us-west', faultMs - 100, faultMs - 50),
      append(1, 'us-west', faultMs + 50, faultMs + 120),
      append(2, 'us-east', faultMs + 200, faultMs + 250, 'fail'),
      append(3, 'us-west', faultMs + 200, faultMs + 3060),
      append(4, 'us-west', faultMs + 3100, faultMs + 3150),
      ...pages('us-east', 5),
      ...pages('us-west', 2),
    ],
  }
  const checked = guaranteeIds.map((id: GuaranteeId) => ({
    ...{ id, title: guarantees[id].title, violations: [], checkedOps: 1728 },
    promised: guarantees[id].promised({ durability: 'region', readYourWrites: false, monotonicReads: false }),
  }))
  const timeline = timelineOf({ drillEvents, events, samples: [], history })
  return resultText({
    ...{ plan: plan('region-loss', { ground: 'local' }), seed: 1, faultAt: faultMs, settled: true, ok: true },
    ...{ timeline, guarantees: checked, notes: [], history, final: { views: [], absent: [] } },
    figures: figuresOf({
      ...{ history, drillEvents, timeline, guarantees: checked, hit: ['us-east'] },
      slo: { latencyMs: 100, share: 0.95 },
    }),
  })
}
