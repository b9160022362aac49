import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { describeMs } from '../../lib/format.ts'
import { describeEffect } from '../faults/describe.ts'
import { clockMs, isWrite, type Recorder } from '../history.ts'
import type { ActiveFaults } from './active-faults.ts'
import type { Condition, DrillPlan, Step } from './plan.ts'
import { lostIn } from './sample.ts'
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

/** False when the world had not settled in time after any step that waits for it, or a fault could not be healed. */
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
        const leftOut = `left out: ${describeEffect(step.fault)}: ${error.message}`
        say(leftOut)
        faults.note('other', leftOut)
      }
      return true
    case 'pause':
      await sleep(step.ms, undefined, { signal })
      return true
    case 'heal':
      // What cannot be healed now is tried again at the end; the rest of the plan must not be left undone for it.
      await faults
        .heal(step.which)
        .catch((error) => faults.note('other', `not healed yet: ${messageOf(error)}`))
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
          faults.note(
            'other',
            `${describeMs(step.limitMs)} have passed, and not yet: ${waitedFor[step.what]}`,
          )
          return false
        }
        await sleep(50, undefined, { signal })
      }
      if (step.what === 'settled') faults.note('settled', 'everything is ready, healthy and in sync')
      return true
    }
  }
}

const waitedFor: Record<Condition, string> = {
  writes: 'a write is acknowledged that was sent after the fault',
  verdict: 'a majority calls a region lost',
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
  return condition === 'verdict' ? lostIn(sample).length > 0 : isSettledNow(world, sample)
}
