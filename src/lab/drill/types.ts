import type { Event } from '../../agent/coordination/store.ts'
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

/** The world as a drill needs it. */
export type DrillWorld = {
  name: string
  topology: Topology
  fullRegions: number
  inject: (fault: Fault) => Promise<Injected>
  sample: () => Promise<Sample>
  /** What agents have decided, oldest first. */
  events: () => Promise<Event[]>
  /** Prepared one after the other, run at the same time. */
  workloads: readonly Workload[]
  /** Simulated users beside them, from where they live; until the signal. */
  users?: ((signal: AbortSignal, onStart: () => void) => Promise<UsersResult>) | undefined
}

export type DrillOptions = {
  seed: number
  promises: Promises
  /** A violation of what is not promised counts, too. */
  every?: boolean
  /** How long writes may take, after healing, to be acknowledged at every edge again. */
  recoveryMs?: number
  signal: AbortSignal
  /** Told what is going on, for people. */
  say: (text: string) => void
}

export type DrillResult = {
  plan: DrillPlan
  seed: number
  /** Milliseconds since 1970, of the first fault. */
  faultAt: number
  timeline: readonly Moment[]
  figures: Figures
  guarantees: readonly Guarantee[]
  /** False: the world did not come back to what it was, by its own word or by what users were told. */
  settled: boolean
  /** What one should know before believing the figures. */
  notes: readonly string[]
  /** No promise is broken, and the world has come back. */
  ok: boolean
  history: History
  final: FinalState
}
