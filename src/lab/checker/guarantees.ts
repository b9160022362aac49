import { constantTotal } from './constant-total.ts'
import type { Evidence } from './evidence.ts'
import { monotonicReads, monotonicReadsOnPrimary } from './monotonic-reads.ts'
import { noDuplicateWrites } from './no-duplicate-writes.ts'
import { noLostReads } from './no-lost-reads.ts'
import { noLostWrites } from './no-lost-writes.ts'
import { noPhantomWrites } from './no-phantom-writes.ts'
import { noRefusedWrites } from './no-refused-writes.ts'
import { oneOrder } from './one-order.ts'
import { onePrimary } from './one-primary.ts'
import { readYourWrites, readYourWritesOnPrimary } from './read-your-writes.ts'
import { replicasEqual } from './replicas-equal.ts'
import type { Finding, GuaranteeId, Promises } from './types.ts'

type Entry = {
  title: string
  promised: (promises: Promises) => boolean
  check: (evidence: Evidence) => Finding
}

const always = () => true
/** With `local`, a region that is lost with unreplicated writes, or is cut off and continues, may break these. */
const inTwoRegions = ({ durability }: Promises) => durability !== 'local'

/** The guarantees of docs/internals/guarantees.md, as checks. */
export const guarantees: Record<GuaranteeId, Entry> = {
  'no-lost-writes': {
    title: 'no acknowledged write is lost',
    promised: inTwoRegions,
    check: noLostWrites,
  },
  'no-phantom-writes': {
    title: 'no entry exists that no user wrote',
    promised: always,
    check: noPhantomWrites,
  },
  'no-duplicate-writes': { title: 'no write is applied twice', promised: always, check: noDuplicateWrites },
  'no-refused-writes': { title: 'no refused write exists', promised: always, check: noRefusedWrites },
  'one-primary': {
    title: 'two primaries never acknowledge at the same time',
    promised: inTwoRegions,
    check: onePrimary,
  },
  'constant-total': {
    title: 'transfers never change the total',
    promised: always,
    check: constantTotal,
  },
  'one-order': {
    title: 'all readers see lists in one order',
    promised: inTwoRegions,
    check: oneOrder,
  },
  'replicas-equal': { title: 'all replicas are equal at the end', promised: always, check: replicasEqual },
  'no-lost-reads': {
    title: 'nothing that was read is lost',
    // An asynchronous replica, or a primary that has just restarted, may show writes that are lost later.
    promised: () => false,
    check: noLostReads,
  },
  'read-your-writes': {
    title: 'users read their own writes',
    promised: ({ readYourWrites }) => readYourWrites,
    check: readYourWrites,
  },
  'read-your-writes-on-primary': {
    title: 'users read their own writes on the primary',
    // A primary that is cut off answers with its old data until it steps down.
    promised: ({ readYourWrites }) => readYourWrites,
    check: readYourWritesOnPrimary,
  },
  'monotonic-reads': {
    title: 'users’ reads never go back in time',
    promised: ({ monotonicReads }) => monotonicReads,
    check: monotonicReads,
  },
  'monotonic-reads-on-primary': {
    title: 'users’ reads never go back in time on the primary',
    promised: ({ monotonicReads }) => monotonicReads,
    check: monotonicReadsOnPrimary,
  },
}
