import type { Fault } from '../faults/table.ts'

/** What a drill will do, as a value: it can be printed before anything is done, and run as it stands. */
export type DrillPlan = {
  scenario: string
  world: string
  ground: Ground
  /** In a sentence. */
  about: string
  /** Load alone, before the first step: what is normal here and now. */
  baselineMs: number
  steps: readonly Step[]
  /** Load alone, after everything is healed and settled. */
  afterMs: number
  /** What a world that keeps its promises shows, in words. */
  expects: readonly string[]
}

/** Where a drill takes place. */
export type Ground = 'lab' | 'local'

export type Step =
  /**
   * `as`: the name by which a later step heals it. What is not healed by then is healed after the last step.
   * `mayRefuse`: what cannot be injected as things are (the region is dead) is left out and noted.
   */
  | { do: 'inject'; fault: Fault; as: string; mayRefuse?: true }
  | { do: 'heal'; which: string }
  /** Counted from the last injection; nothing to wait for if that is long ago. */
  | { do: 'wait'; ms: number }
  /** Counted from the end of the step before. */
  | { do: 'pause'; ms: number }
  /** Goes on after `limitMs` too, and says so: that it took too long is a result. */
  | { do: 'until'; what: Condition; limitMs: number }

/**
 * - `writes`: a write that was sent after the last injection has been acknowledged
 * - `verdict`: a majority calls a region lost that was not at the last injection
 * - `settled`: everything ready, healthy and in sync, with the durability that the topology asks for
 */
export type Condition = 'writes' | 'verdict' | 'settled'

/** Those whose databases or edges the faults are about: errors there say something else than errors elsewhere. */
export function regionsHit(plan: Pick<DrillPlan, 'steps'>): string[] {
  const hit = plan.steps.flatMap((step) => {
    if (step.do !== 'inject') return []
    const { fault } = step
    return 'region' in fault ? [fault.region] : []
  })
  return [...new Set(hit)]
}
