import type { DurabilityAsked } from '../../failover/durability.ts'

/** See guarantees.ts for titles and for the topologies that give each guarantee. */
export const guaranteeIds = [
  'no-lost-writes',
  'no-phantom-writes',
  'no-duplicate-writes',
  'no-refused-writes',
  'one-primary',
  'constant-total',
  'one-order',
  'replicas-equal',
  'no-lost-reads',
  'read-your-writes',
  'read-your-writes-on-primary',
  'monotonic-reads',
  'monotonic-reads-on-primary',
] as const

export type GuaranteeId = (typeof guaranteeIds)[number]

export type Violation = {
  guarantee: GuaranteeId
  /** A sentence with user, region and reference. */
  what: string
  /** Ids of the operations that prove it; empty when only the final state does. */
  ops: number[]
}

export type Guarantee = {
  id: GuaranteeId
  title: string
  /** False if the topology does not give this guarantee; violations are then counted and shown but break nothing. */
  promised: boolean
  violations: Violation[]
  /** Operations or final entries that could have shown a violation; 0 means that nothing was checked. */
  checkedOps: number
}

/** The guarantees of a world, from its topology and from what is implemented. */
export type Promises = {
  durability: DurabilityAsked
  readYourWrites: boolean
  monotonicReads: boolean
}

/** The result of one check. */
export type Finding = { violations: Omit<Violation, 'guarantee'>[]; checkedOps: number }
