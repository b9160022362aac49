import type { Region } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'
import type { FinalState, RecordOp } from '../history.ts'

/**
 * Users whose every operation is recorded. Call `prepare`, `run`, `final`, `cleanUp` in this order; `cleanUp` may also
 * follow a failure of any of them, and may be called twice.
 */
export type Workload = {
  name: 'ledger' | 'orders'
  /** Creates what it needs in a healthy world. Rejects with a remedy if that is impossible. */
  prepare(): Promise<void>
  /**
   * Open loop: operations start on schedule, however long earlier ones take, until the signal aborts. Resolves when
   * every started operation has ended and is recorded, shortly after `answerTimeoutMs`. Failures are recorded, never
   * thrown.
   */
  run(signal: AbortSignal, record: RecordOp): Promise<void>
  /**
   * Call it after `run` in a healed world. Waits for replicas to catch up with the primary, for `catchUpMs` at most.
   */
  final(): Promise<FinalState>
  /** Removes what it created. */
  cleanUp(): Promise<void>
}

/** The parts of a world that a workload needs, including the app's password. */
export type WorkloadWorld = {
  topology: Topology
  regions: readonly Region[]
  secrets: { app: string }
}

/** Rates for each region that serves users. */
export type WorkloadOptions = {
  writesPerSecond: number
  readsPerSecond: number
  /** Regions whose endpoints are used; default: all that the workload can use. */
  edges?: readonly string[]
  seed: number
  /** Maximum operations in flight per region. Operations beyond it are recorded as `fail` and never sent. */
  maxInFlight?: number
  /** How long a user waits for an answer. Longer than a failover and than the topology's holdSeconds. */
  answerTimeoutMs?: number
  /** How long `final` waits for replicas. */
  catchUpMs?: number
}

export const workloadDefaults = { maxInFlight: 500, answerTimeoutMs: 40_000, catchUpMs: 60_000 } as const
