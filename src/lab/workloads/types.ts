import type { Region } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'
import type { FinalState, RecordOp } from '../history.ts'

/**
 * Users whose every operation is recorded. Used in this order: `prepare`, `run`, `final`, `cleanUp`; `cleanUp` may
 * also come after any of them has failed, and is safe to call twice.
 */
export type Workload = {
  name: 'ledger' | 'orders'
  /** Makes what it needs in a healthy world. Rejects with a remedy when the world has no place for it. */
  prepare(): Promise<void>
  /**
   * Open loop: operations begin when it is their time, however long earlier ones take, until the signal is aborted.
   * Resolves when everything that was begun has ended and is recorded; that takes `patienceMs` and a little. Operations
   * that fail are recorded, never thrown.
   */
  run(signal: AbortSignal, record: RecordOp): Promise<void>
  /** To be asked of a healed world, after `run`. Waits for replicas to show what the primary shows, `catchUpMs` at most. */
  final(): Promise<FinalState>
  /** Removes what it made. */
  cleanUp(): Promise<void>
}

/** The world as a workload needs to know it: where it is, and the app's own password. */
export type WorkloadWorld = {
  topology: Topology
  regions: readonly Region[]
  secrets: { app: string }
}

/** Each region whose edge takes users gets these rates. */
export type WorkloadOptions = {
  writesPerSecond: number
  readsPerSecond: number
  /** Regions whose endpoints are asked; default: every one that the workload can use. */
  edges?: readonly string[]
  seed: number
  /** Operations under way at once, per region. What comes on top of it is recorded as `fail`, never sent. */
  maxUnderWay?: number
  /** How long a user waits for one answer. Longer than a failover and than the topology's holdSeconds. */
  patienceMs?: number
  /** How long `final` waits for replicas. */
  catchUpMs?: number
}

export const workloadDefaults = { maxUnderWay: 500, patienceMs: 40_000, catchUpMs: 60_000 } as const
