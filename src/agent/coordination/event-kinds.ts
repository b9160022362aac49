import type { Action } from '../../failover/types.ts'

/**
 * Every kind of event that this version writes: agents, and the command line for `rollOut` and `operator`. The store may hold others,
 * from other versions.
 */
export type EventKind =
  | Action['kind']
  | 'primary'
  | 'replicaReinit'
  | 'release'
  | 'switchover'
  | 'rollOut'
  | 'purge'
  | 'operator'
