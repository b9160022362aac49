import { messageOf } from '../../lib/errors.ts'
import { check } from '../checker/index.ts'
import type { FinalState, Recorder } from '../history.ts'
import type { UsersResult } from '../users/result.ts'
import type { DrillEvent } from './event.ts'
import { brokenIn, figuresOf } from './figures.ts'
import { type DrillPlan, regionsHit } from './plan.ts'
import type { Sample } from './sample.ts'
import { timelineOf } from './timeline.ts'
import type { DrillOptions, DrillResult, DrillWorld } from './types.ts'

/** What is known when the load has ended. */
type Seen = {
  recorder: Recorder
  drillEvents: readonly DrillEvent[]
  samples: readonly Sample[]
  final: FinalState
  settled: boolean
  /** Edges that acknowledged writes before the first fault, and none after everything was healed. */
  silent: readonly string[]
  users: UsersResult | undefined
  notes: readonly string[]
}

/** Holds what was seen against what is promised. */
export async function evaluate(
  plan: DrillPlan,
  world: DrillWorld,
  { seed, promises, every }: DrillOptions,
  { recorder, drillEvents, samples, final, settled: said, silent, users, notes: noted }: Seen,
): Promise<DrillResult> {
  const history = recorder.history()
  const notes = [...noted]
  const events = await world.events().catch((error) => {
    notes.push(`what the agents decided is missing: ${messageOf(error)}`)
    return []
  })
  const guarantees = check(history, final, promises)
  const timeline = timelineOf({ drillEvents, events, samples, history })
  const hit = regionsHit(plan)
  const figures = figuresOf({
    history,
    drillEvents,
    timeline,
    guarantees,
    hit,
    slo: world.topology.slo,
    users,
  })
  const settled = said && silent.length === 0
  if (!said) notes.push('the world had not settled in time, or not everything was healed')
  for (const edge of silent)
    notes.push(`${edge}: no write was acknowledged there after everything was healed, and some were before`)
  if (!drillEvents.some(({ kind }) => kind === 'fault')) notes.push('no fault was active')
  if (plan.ground === 'local')
    notes.push(
      'without distances: between regions there is only this machine, so times are shorter than in the wide area',
    )
  for (const { region, source, why } of final.absent)
    notes.push(`${region}, ${source}: could not be asked at the end: ${why}`)
  const faultAt = (drillEvents.find(({ kind }) => kind === 'fault')?.atMs ?? 0) + history.header.epochOffsetMs
  return {
    plan,
    seed,
    faultAt,
    timeline,
    figures,
    guarantees,
    settled,
    notes,
    ok: settled && final.absent.length === 0 && brokenIn(guarantees, every).length === 0,
    history,
    final,
  }
}
