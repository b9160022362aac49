import { type DrillRequest, planDrill } from '../../../src/lab/drill/plan-drill.ts'

export const regions = [
  { name: 'us-east', full: true, serves: true, votes: true },
  { name: 'us-west', full: true, serves: true, votes: true },
  { name: 'us-central', full: false, serves: false, votes: true },
]

export const plan = (scenario: string, more: Partial<DrillRequest> = {}) =>
  planDrill({
    scenario,
    words: [],
    options: {},
    world: 'shop',
    ground: 'lab',
    facts: { regions, primary: 'us-west' },
    ...more,
  })

/** An append at one edge between two times. */
export const append = (
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
