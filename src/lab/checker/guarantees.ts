import { acknowledgedStays } from './acknowledged-stays.ts'
import { appliedOnce } from './applied-once.ts'
import { constantTotal } from './constant-total.ts'
import type { Evidence } from './evidence.ts'
import { neverBackInTime, neverBackInTimeAtPrimary } from './never-back-in-time.ts'
import { nothingUnasked } from './nothing-unasked.ts'
import { oneOrder } from './one-order.ts'
import { onePrimary } from './one-primary.ts'
import { readsOwnWrites, readsOwnWritesAtPrimary } from './reads-own-writes.ts'
import { refusedIsAbsent } from './refused-is-absent.ts'
import { replicasEqual } from './replicas-equal.ts'
import type { Finding, GuaranteeId, Promises } from './types.ts'
import { whatWasReadStays } from './what-was-read-stays.ts'

type Entry = {
  title: string
  promised: (promises: Promises) => boolean
  check: (evidence: Evidence) => Finding
}

const always = () => true
/** A region that is lost with unreplicated writes, or is cut off and goes on, is allowed to with `local`. */
const inTwoRegions = ({ durability }: Promises) => durability !== 'local'

/** What is promised to whom is in docs/internals/guarantees.md; these are the same promises, as checks. */
export const guarantees: Record<GuaranteeId, Entry> = {
  'acknowledged-stays': {
    title: 'acknowledged writes are all there at the end',
    promised: inTwoRegions,
    check: acknowledgedStays,
  },
  'nothing-unasked': {
    title: 'nothing is there that was not tried',
    promised: always,
    check: nothingUnasked,
  },
  'applied-once': { title: 'no write is applied twice', promised: always, check: appliedOnce },
  'refused-is-absent': { title: 'refused writes are not there', promised: always, check: refusedIsAbsent },
  'one-primary': {
    title: 'never two primaries acknowledge at the same time',
    promised: inTwoRegions,
    check: onePrimary,
  },
  'constant-total': {
    title: 'transfers never change the total',
    promised: always,
    check: constantTotal,
  },
  'one-order': {
    title: 'lists have one order for all who read them',
    promised: inTwoRegions,
    check: oneOrder,
  },
  'replicas-equal': { title: 'all replicas are equal at the end', promised: always, check: replicasEqual },
  'what-was-read-stays': {
    title: 'what anybody read is there at the end',
    // A replica that is not the synchronous one, and a primary that has just restarted, may show what is lost later.
    promised: () => false,
    check: whatWasReadStays,
  },
  'reads-own-writes': {
    title: 'users read their own writes',
    promised: ({ readYourWrites }) => readYourWrites,
    check: readsOwnWrites,
  },
  'reads-own-writes-at-primary': {
    title: 'users read their own writes when they ask the primary',
    // A primary that was cut off may be asked until it has noticed, and shows what it knew.
    promised: ({ readYourWrites }) => readYourWrites,
    check: readsOwnWritesAtPrimary,
  },
  'never-back-in-time': {
    title: 'users never go back in time',
    promised: ({ monotonicReads }) => monotonicReads,
    check: neverBackInTime,
  },
  'never-back-in-time-at-primary': {
    title: 'users never go back in time when they ask the primary',
    promised: ({ monotonicReads }) => monotonicReads,
    check: neverBackInTimeAtPrimary,
  },
}
