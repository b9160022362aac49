import type { Fault } from '../faults/table.ts'

/** The steps of a drill, as a value that can be printed before it is run. */
export type DrillPlan = {
  scenario: string
  world: string
  ground: Ground
  /** One sentence. */
  about: string
  /** Load before the first step, as the baseline. */
  baselineMs: number
  steps: readonly Step[]
  /** Load after everything is healed and settled. */
  afterMs: number
  /** Expected behaviour of a world that keeps its guarantees. */
  expects: readonly string[]
}

/** The environment of a drill. */
export type Ground = 'lab' | 'local'

export type Step =
  /**
   * `as`: the name by which a later step heals it. Faults that are still active after the last step are healed then.
   * `mayRefuse`: a fault that cannot be injected now (the region is dead) is skipped and noted.
   */
  | { do: 'inject'; fault: Fault; as: string; mayRefuse?: true }
  | { do: 'heal'; which: string }
  /** Counted from the last injection; no wait if that is long enough ago. */
  | { do: 'wait'; ms: number }
  /** Counted from the end of the previous step. */
  | { do: 'pause'; ms: number }
  /** Continues after `limitMs` with a note: taking too long is a result, too. */
  | { do: 'until'; what: Condition; limitMs: number }

/**
 * - `writes`: a write sent after the last injection has been acknowledged
 * - `verdict`: a majority reports a region unreachable that was not at the last injection
 * - `settled`: everything is ready, healthy and in sync, with the requested durability
 */
export type Condition = 'writes' | 'verdict' | 'settled'

/** Regions whose databases or edges the faults target; errors there mean something else than errors elsewhere. */
export function regionsHit(plan: Pick<DrillPlan, 'steps'>): string[] {
  const hit = plan.steps.flatMap((step) => {
    if (step.do !== 'inject') return []
    const { fault } = step
    return 'region' in fault ? [fault.region] : []
  })
  return [...new Set(hit)]
}
