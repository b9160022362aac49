import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { describeMs } from '../../lib/format.ts'
import { describeEffect } from '../faults/describe.ts'
import { clockMs, isWrite, type Recorder } from '../history.ts'
import type { ActiveFaults } from './active-faults.ts'
import type { Condition, DrillPlan, Step } from './plan.ts'
import { unreachableIn } from './sample.ts'
import type { DrillWorld } from './types.ts'
import { isSettledNow, type Watch } from './watch.ts'

type Running = {
  world: DrillWorld
  watch: Watch
  recorder: Recorder
  faults: ActiveFaults
  signal: AbortSignal
  say: (text: string) => void
}

/** False if the world did not settle in time after a step that waits for it, or if a fault could not be healed. */
export async function runSteps(plan: DrillPlan, running: Running): Promise<boolean> {
  let settled = true
  for (const step of plan.steps) {
    running.signal.throwIfAborted()
    const done = await runStep(step, running)
    if (step.do === 'until' && step.what === 'settled') settled &&= done
  }
  return (await running.faults.healAll()) && settled
}

async function runStep(
  step: Step,
  { world, watch, recorder, faults, signal, say }: Running,
): Promise<boolean> {
  switch (step.do) {
    case 'inject':
      try {
        await faults.inject(step.fault, step.as)
      } catch (error) {
        if (!step.mayRefuse || !(error instanceof NearsideError)) throw error
        const leftOut = `skipped: ${describeEffect(step.fault)}: ${error.message}`
        say(leftOut)
        faults.note('other', leftOut)
      }
      return true
    case 'pause':
      await sleep(step.ms, undefined, { signal })
      return true
    case 'heal':
      // A fault that cannot be healed now is retried at the end, so that the rest of the plan still runs.
      await faults
        .heal(step.which)
        .catch((error) => faults.note('other', `could not heal yet: ${messageOf(error)}`))
      return true
    case 'wait': {
      const leftMs = faults.lastMs + step.ms - clockMs()
      if (leftMs > 0) await sleep(leftMs, undefined, { signal })
      return true
    }
    case 'until': {
      const sinceMs = clockMs()
      const limit = sinceMs + step.limitMs
      say(`Waiting until ${waitedFor[step.what]}`)
      for (;;) {
        if (holds(step.what, { world, watch, recorder, faults, sinceMs })) break
        if (clockMs() > limit) {
          faults.note('other', `not within ${describeMs(step.limitMs)}: ${waitedFor[step.what]}`)
          return false
        }
        await sleep(50, undefined, { signal })
      }
      if (step.what === 'settled') faults.note('settled', waitedFor.settled)
      return true
    }
  }
}

/** Also the text of the timeline once the world has settled. */
export const waitedFor: Record<Condition, string> = {
  writes: 'a write sent after the fault is acknowledged',
  verdict: 'a majority reports a region unreachable',
  settled: 'everything is ready, healthy and in sync',
}

function holds(
  condition: Condition,
  {
    world,
    watch,
    recorder,
    faults,
    sinceMs,
  }: Pick<Running, 'world' | 'watch' | 'recorder' | 'faults'> & { sinceMs: number },
): boolean {
  const sample = watch.last()
  if (condition === 'writes')
    return recorder.ops.some(
      (op) => isWrite(op) && op.outcome === 'ok' && op.invokedMs > faults.lastMs && op.completedMs > sinceMs,
    )
  if (!sample || sample.atMs < sinceMs) return false
  return condition === 'verdict' ? unreachableIn(sample).length > 0 : isSettledNow(world, sample)
}
