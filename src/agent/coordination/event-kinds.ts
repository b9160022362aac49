import type { Action } from '../../failover/types.ts'

/** Every kind of event that an agent of this version writes. The store may hold others, from other versions. */
export type EventKind = Action['kind'] | 'primary' | 'replicaReinit' | 'release' | 'switchover'
