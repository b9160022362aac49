import { readFileSync } from 'node:fs'

/**
 * A recorded history: the operations that users sent to a world, with times and outcomes. The checker (checker/)
 * compares it with the world's final state. It contains only what a client can know, nothing from the world's own logs.
 *
 * **Time.** All times are milliseconds of this machine's monotonic clock (`clockMs`). It is the same for every process
 * in every network namespace, and cannot be set. An operation took effect, if it did, between `invokedMs` and
 * `completedMs`; two overlapping operations may have happened in either order, and no check relies on their order.
 *
 * **Outcome.**
 *
 * - `ok`: acknowledged. A write is durable; a read shows its values.
 * - `fail`: certainly not applied, now or later. Recorded only if COMMIT was certainly not sent, or if the server
 *   itself reported a rollback. A failed read shows nothing.
 * - `unknown`: may have been applied, and may still be. Everything else: a missing answer, and a COMMIT that succeeded
 *   *with a warning* (its wait for the standby was cancelled).
 *
 * When in doubt, it is `unknown`: a wrong `ok` or `fail` would report a violation that did not happen.
 *
 * **Users.** A user is one session, from its first operation to its last, through any edge. Users must see again what
 * they saw and wrote earlier. A user may start an operation before the previous one has completed.
 */
export type History = {
  header: HistoryHeader
  /** In order of completion. */
  ops: readonly Op[]
  /** Events in the world (faults, healing), for the investigation of violations. */
  marks: readonly Mark[]
}

export type HistoryHeader = {
  version: 1
  /** Name of the world. */
  world: string
  /** Identifies the monotonic clock. */
  bootId: string
  /** Offset from a time of this history to milliseconds since 1970, taken when recording began. */
  epochOffsetMs: number
  /** Seed of the run's random choices. */
  seed?: number
}

export type Mark = { atMs: number; what: string }

export type Outcome = 'ok' | 'fail' | 'unknown'

/** Where an acknowledged write was applied, as that server reported within the transaction. */
export type Place = {
  /** Address of the PostgreSQL server. */
  server: string
  /** PostgreSQL's timeline: every promotion starts a new, higher one. */
  timeline: number
}

/** `primary` or `replica`: the endpoint that was used, not the database that answered (see `servedBy`). */
export type Source = 'primary' | 'replica'

/** Account and balance, each account once. Pairs, not an object, because histories are also read from files. */
export type Balances = readonly (readonly [account: string, balance: number])[]

type Common = {
  /** Unique within its history. */
  id: number
  user: string
  /** Region whose edge or database endpoint was used. */
  edge: string
  /** Region that answered, if known. */
  servedBy?: string
  invokedMs: number
  completedMs: number
  outcome: Outcome
  /** HTTP status, SQLSTATE, error code or server warning, for people. */
  why: string
}

/** About a write's transaction: known for SQL, and for an order if the app reports it. */
type Committed = {
  /** Only on acknowledged writes. */
  place?: Place
  /** When COMMIT was sent, if it was: a later lower bound for the acknowledgement than `invokedMs`. */
  commitSentMs?: number
}

/** Appends one value to a list; each value is tried once per list. */
export type AppendOp = Common & Committed & { kind: 'append'; list: string; value: string }
/** A list from its start, in order; empty unless `ok`. */
export type ReadListOp = Common & {
  kind: 'readList'
  list: string
  source: Source
  values: readonly string[]
}
/** Moves money between accounts, in one transaction that also stores the reference. */
export type TransferOp = Common &
  Committed & { kind: 'transfer'; reference: string; from: string; to: string; amount: number }
/** All accounts in one snapshot; empty unless `ok`. */
export type ReadAccountsOp = Common & { kind: 'readAccounts'; source: Source; balances: Balances }
/** An order of the shop. The same reference may be sent again, and creates one order at most. */
export type OrderOp = Common & Committed & { kind: 'order'; reference: string; customer: string }
/** All orders of a customer, as shown by a page of the shop; empty unless `ok`. */
export type ReadOrdersOp = Common & {
  kind: 'readOrders'
  customer: string
  references: readonly string[]
}
/** Any other request: counts for errors and latency, but proves nothing. */
type PageOp = Common & { kind: 'page'; path: string }

export type Op = AppendOp | ReadListOp | TransferOp | ReadAccountsOp | OrderOp | ReadOrdersOp | PageOp
export type WriteOp = AppendOp | TransferOp | OrderOp
export type OpKind = Op['kind']

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
/** An operation without its id. */
export type NewOp = WithoutId<Op>
export type RecordOp = (op: NewOp) => void

export const isWrite = (op: Op): op is WriteOp =>
  op.kind === 'append' || op.kind === 'transfer' || op.kind === 'order'

/**
 * The world's state after the load has ended, faults are healed and replicas have had time to catch up.
 *
 * A part missing from a view was not queried; an empty part was queried and is empty.
 */
export type FinalState = {
  /** Balances before the first transfer. */
  accountsAtStart?: Balances
  /** The primary's first, then each region's own replica (in the primary's region, the primary again). */
  views: readonly View[]
  /** Databases that could not be read. */
  absent: readonly { region: string; source: Source; why: string }[]
}

export type View = {
  /** Region whose endpoint was used. For `replica`, also the region of the database that answered. */
  region: string
  source: Source
  lists?: readonly (readonly [list: string, values: readonly string[]])[]
  accounts?: Balances
  /** How often each transfer reference exists. */
  transfers?: readonly (readonly [reference: string, count: number])[]
  /** How often each order reference of this history exists. */
  orders?: readonly (readonly [reference: string, count: number])[]
}

/** Milliseconds of the machine's monotonic clock, the same in every process, unlike `performance.now()`. */
export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6

export function newHeader(world: string, seed?: number): HistoryHeader {
  return {
    version: 1,
    world,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    epochOffsetMs: Date.now() - clockMs(),
    ...(seed === undefined ? {} : { seed }),
  }
}

/** Records the operations of this process. */
export class Recorder {
  readonly header: HistoryHeader
  readonly ops: Op[] = []
  readonly marks: Mark[] = []

  constructor(header: HistoryHeader) {
    this.header = header
  }

  /** Bound, so that it can be passed to workloads. */
  readonly record: RecordOp = (op) => {
    this.ops.push({ ...op, id: this.ops.length } as Op)
  }

  mark(what: string, atMs = clockMs()): void {
    this.marks.push({ atMs, what })
  }

  history(): History {
    return { header: this.header, ops: this.ops, marks: this.marks }
  }
}

/** Merges the final states of several workloads. The parts of one view may come from different workloads. */
export function mergeFinals(finals: readonly FinalState[]): FinalState {
  const views = new Map<string, View>()
  for (const view of finals.flatMap((one) => one.views)) {
    const key = `${view.source} ${view.source === 'primary' ? '' : view.region}`
    views.set(key, { ...view, ...views.get(key) })
  }
  const accountsAtStart = finals.find((one) => one.accountsAtStart)?.accountsAtStart
  return {
    ...(accountsAtStart ? { accountsAtStart } : {}),
    views: [...views.values()].sort(
      (a, b) => Number(b.source === 'primary') - Number(a.source === 'primary'),
    ),
    absent: finals.flatMap((one) => one.absent),
  }
}
