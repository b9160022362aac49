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

/** Everything known once the load has ended. */
type Seen = {
  recorder: Recorder
  drillEvents: readonly DrillEvent[]
  samples: readonly Sample[]
  final: FinalState
  worldSettled: boolean
  /** Edges that acknowledged writes before the first fault but not after everything was healed. */
  unrecovered: readonly string[]
  users: UsersResult | undefined
  runNotes: readonly string[]
}

/** Evaluates the recorded run against the guarantees. */
export async function evaluate(
  plan: DrillPlan,
  world: DrillWorld,
  { seed, promises, every }: DrillOptions,
  { recorder, drillEvents, samples, final, worldSettled, unrecovered, users, runNotes }: Seen,
): Promise<DrillResult> {
  const history = recorder.history()
  const notes = [...runNotes]
  const events = await world.events().catch((error) => {
    notes.push(`could not read the agents’ events: ${messageOf(error)}`)
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
  const settled = worldSettled && unrecovered.length === 0
  if (!worldSettled) notes.push('the world did not settle in time, or a fault could not be healed')
  for (const edge of unrecovered)
    notes.push(`${edge}: acknowledged writes before the fault, but none after everything was healed`)
  if (!drillEvents.some(({ kind }) => kind === 'fault')) notes.push('no fault was injected')
  if (plan.ground === 'local')
    notes.push('no network latency: all regions are on this machine, so times are shorter than in production')
  for (const { region, source, why } of final.absent)
    notes.push(`${region}, ${source}: could not be read at the end: ${why}`)
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
