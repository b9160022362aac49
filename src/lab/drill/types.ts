import type { Event } from '../../agent/coordination/keys/event.ts'
import type { Topology } from '../../topology/schema.ts'
import type { Guarantee, Promises } from '../checker/index.ts'
import type { Injected } from '../faults/inject.ts'
import type { Fault } from '../faults/table.ts'
import type { FinalState, History } from '../history.ts'
import type { UsersResult } from '../users/result.ts'
import type { Workload } from '../workloads/types.ts'
import type { Figures } from './figures.ts'
import type { DrillPlan } from './plan.ts'
import type { Sample } from './sample.ts'
import type { Moment } from './timeline.ts'

/** A world, as a drill needs it. */
export type DrillWorld = {
  name: string
  topology: Topology
  fullRegions: number
  inject: (fault: Fault) => Promise<Injected>
  sample: () => Promise<Sample>
  /** The agents' events, oldest first. */
  events: () => Promise<Event[]>
  /** Prepared one after another, run concurrently. */
  workloads: readonly Workload[]
  /** Adds simulated users in their cities until the signal aborts. */
  users?: ((signal: AbortSignal, onStart: () => void) => Promise<UsersResult>) | undefined
}

export type DrillOptions = {
  seed: number
  promises: Promises
  /** Also fail on violations of guarantees that the topology does not give. */
  every?: boolean
  /** After healing, how long it may take until every edge acknowledges writes again. */
  recoveryMs?: number
  signal: AbortSignal
  /** Shows progress. */
  say: (text: string) => void
}

export type DrillResult = {
  plan: DrillPlan
  seed: number
  /** Time of the first fault, milliseconds since 1970. */
  faultAt: number
  timeline: readonly Moment[]
  figures: Figures
  guarantees: readonly Guarantee[]
  /** False if the world did not recover, by its own status or by the answers that users received. */
  settled: boolean
  /** Caveats for the figures. */
  notes: readonly string[]
  /** No guarantee was broken and the world has recovered. */
  ok: boolean
  history: History
  final: FinalState
}
