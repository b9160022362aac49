import type { DurabilityAsked } from '../../failover/durability.ts'

/** One meaning each; see guarantees.ts for their titles and for when they are promised. */
export const guaranteeIds = [
  'acknowledged-stays',
  'nothing-unasked',
  'applied-once',
  'refused-is-absent',
  'one-primary',
  'constant-total',
  'one-order',
  'replicas-equal',
  'what-was-read-stays',
  'reads-own-writes',
  'reads-own-writes-at-primary',
  'never-back-in-time',
  'never-back-in-time-at-primary',
] as const

export type GuaranteeId = (typeof guaranteeIds)[number]

export type Violation = {
  guarantee: GuaranteeId
  /** A sentence for people, with user, region and reference. */
  what: string
  /** Ids of the operations that prove it; none when only the final state does. */
  ops: number[]
}

export type Guarantee = {
  id: GuaranteeId
  title: string
  /** False: nothing that was promised is broken by a violation, which is counted and shown all the same. */
  promised: boolean
  violations: Violation[]
  /** Operations, or entries of final views, that could have shown a violation; 0 means that nothing was checked. */
  checkedOps: number
}

/** What a world promises, by its topology and by what is built. */
export type Promises = {
  durability: DurabilityAsked
  readYourWrites: boolean
  monotonicReads: boolean
}

/** What one check returns. */
export type Finding = { violations: Omit<Violation, 'guarantee'>[]; checkedOps: number }
