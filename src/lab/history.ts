import { readFileSync } from 'node:fs'

/**
 * A recorded history: what users asked of a world, when, and what they were told. The checker (checker/) holds it
 * against what the world shows at the end. Nothing of the world's own logs is in it: only what a client can know.
 *
 * **Time.** All times are milliseconds of this machine's monotonic clock (`clockMs`), which every process reads alike,
 * in whatever network namespace, and which nobody can set. An operation took effect, if it did, somewhere between
 * `invokedMs` and `completedMs`; two operations that overlap may have happened in either order, and no check concludes
 * anything from their order.
 *
 * **Outcome.**
 *
 * - `ok`: acknowledged. A write is there for good, a read shows what is in it.
 * - `fail`: certainly not applied, now or later. Said only when COMMIT was surely not sent, or when the server itself
 *   said that it rolled back. A read that failed shows nothing.
 * - `unknown`: may have been applied, and may still be. Everything else: an answer that never came, and a COMMIT that
 *   was answered with success *and a warning* (its wait for the standby was cancelled).
 *
 * When in doubt it is `unknown`: a wrong `ok` or `fail` accuses the world of what it did not do.
 *
 * **Users.** A user is one session, from the first operation to the last, through whatever edge. What users saw
 * earlier and wrote themselves, they must see again. Users need not wait for one operation before the next.
 */
export type History = {
  header: HistoryHeader
  /** In the order of completion. */
  ops: readonly Op[]
  /** What was done to the world meanwhile (faults, healing), for people who read a violation. */
  marks: readonly Mark[]
}

export type HistoryHeader = {
  version: 1
  /** The world's name. */
  world: string
  /** Tells whose monotonic clock this is. */
  bootId: string
  /** Add it to a time of this history for milliseconds since 1970, as they were when recording began. */
  epochOffsetMs: number
  /** What random choices of the run came from. */
  seed?: number
}

export type Mark = { atMs: number; what: string }

export type Outcome = 'ok' | 'fail' | 'unknown'

/** Where an acknowledged write was applied, as that server itself said within the transaction. */
export type Place = {
  /** Address of the PostgreSQL server. */
  server: string
  /** PostgreSQL's timeline: every promotion begins a new, higher one. */
  timeline: number
}

/** `primary` or `replica`: which endpoint was asked, not which database answered (that is `servedBy`). */
export type Source = 'primary' | 'replica'

/** Account and balance; names occur once. Pairs, not an object: histories are also read from files. */
export type Balances = readonly (readonly [account: string, balance: number])[]

type Common = {
  /** Unique in its history. */
  id: number
  user: string
  /** Region whose edge or database endpoint was asked. */
  edge: string
  /** Region that answered, if it is known. */
  servedBy?: string
  invokedMs: number
  completedMs: number
  outcome: Outcome
  /** HTTP status, SQLSTATE, error code or the server's warning; for people. */
  why: string
}

/** Of a write's transaction: known to who speaks SQL, and of an order if its app says so. */
type Committed = {
  /** On acknowledged writes. */
  place?: Place
  /** When COMMIT was sent, if it was: the acknowledgement is no older. Narrows what `invokedMs` says. */
  commitSentMs?: number
}

/** Puts one value, tried once in its list, at the end of a list. */
export type AppendOp = Common & Committed & { kind: 'append'; list: string; value: string }
/** A list from its beginning, in order; empty unless ok. */
export type ReadListOp = Common & {
  kind: 'readList'
  list: string
  source: Source
  values: readonly string[]
}
/** Takes from one account and gives to another, in one transaction that also notes the reference. */
export type TransferOp = Common &
  Committed & { kind: 'transfer'; reference: string; from: string; to: string; amount: number }
/** Every account in one snapshot; empty unless ok. */
export type ReadAccountsOp = Common & { kind: 'readAccounts'; source: Source; balances: Balances }
/** An order of the shop. The same reference may be sent again, and makes one order at most. */
export type OrderOp = Common & Committed & { kind: 'order'; reference: string; customer: string }
/** All orders of a customer, as a page of the shop shows them; empty unless ok. */
export type ReadOrdersOp = Common & {
  kind: 'readOrders'
  customer: string
  references: readonly string[]
}
/** Any other request: it counts for errors and latency, and proves nothing. */
type PageOp = Common & { kind: 'page'; path: string }

export type Op = AppendOp | ReadListOp | TransferOp | ReadAccountsOp | OrderOp | ReadOrdersOp | PageOp
export type WriteOp = AppendOp | TransferOp | OrderOp
export type OpKind = Op['kind']

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
/** An operation before it has its number. */
export type NewOp = WithoutId<Op>
export type RecordOp = (op: NewOp) => void

export const isWrite = (op: Op): op is WriteOp =>
  op.kind === 'append' || op.kind === 'transfer' || op.kind === 'order'

/**
 * What the world shows once load has ended, faults are healed and replicas had their time to catch up.
 *
 * A part that a view does not have was not asked for; an empty one was asked for and is empty.
 */
export type FinalState = {
  /** The balances before the first transfer. */
  accountsAtStart?: Balances
  /** The primary's first; then each region's own replica (in the primary's region: the primary again). */
  views: readonly View[]
  /** Databases that should have shown something and did not. */
  absent: readonly { region: string; source: Source; why: string }[]
}

export type View = {
  /** Region whose endpoint was asked. For `replica`: also the region of the database that answered. */
  region: string
  source: Source
  lists?: readonly (readonly [list: string, values: readonly string[]])[]
  accounts?: Balances
  /** How often each reference of a transfer is there. */
  transfers?: readonly (readonly [reference: string, count: number])[]
  /** How often each reference of an order is there; only those of this history. */
  orders?: readonly (readonly [reference: string, count: number])[]
}

/** Milliseconds of the machine's monotonic clock, the same in every process. Not `performance.now()`, which is not. */
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

/** Collects the operations of everything that runs in this process. */
export class Recorder {
  readonly header: HistoryHeader
  readonly ops: Op[] = []
  readonly marks: Mark[] = []

  constructor(header: HistoryHeader) {
    this.header = header
  }

  /** Bound, so that it can be handed to workloads. */
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

/** What several workloads found in one world. The parts of one view come from different workloads. */
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
