import type {
  AppendOp,
  FinalState,
  History,
  Op,
  Outcome,
  ReadListOp,
  TransferOp,
  View,
  WriteOp,
} from '../history.ts'
import { isWrite } from '../history.ts'
import { type Session, sessionsOf } from './sessions.ts'

/**
 * A history and a final state, indexed once for all checks. Everything here is linear in what was recorded, and so must
 * the checks be: a million operations are checked in seconds.
 */
export type Evidence = {
  ops: readonly Op[]
  final: FinalState
  /** Every write that was tried, by its key. */
  tried: ReadonlyMap<string, Tried>
  views: readonly ViewEvidence[]
  lists: ReadonlyMap<string, ListEvidence>
  sessions: readonly Session[]
}

/** A write, and every operation that tried it: a reference may be sent again, and still makes one write at most. */
export type Tried = {
  kind: WriteOp['kind']
  ops: WriteOp[]
  /** ok if one was acknowledged; fail if all of them failed. */
  outcome: Outcome
}

export type ViewEvidence = {
  view: View
  name: string
  /** How often each write is there, by its key. */
  counts: ReadonlyMap<string, number>
  /** Kinds of writes that it was asked for. */
  shows: ReadonlySet<WriteOp['kind']>
}

export type ListEvidence = {
  name: string
  /**
   * The list's one order: as the first view shows it at the end; as the longest read shows it when no view was asked
   * for lists.
   */
  order: readonly string[]
  isFinal: boolean
  /** Where in `order` a value stands first. */
  position: ReadonlyMap<string, number>
  appends: AppendOp[]
  /** Answered reads. */
  reads: {
    op: ReadListOp /** It is this much of the beginning of `order`; undefined: it is no beginning of it. */
    prefix?: number
  }[]
}

/** The same write has the same key wherever it is met. Lengths keep strange names apart. */
export const appendKey = (list: string, value: string) => `append ${list.length}:${list}:${value}`
export const transferKey = (reference: string) => `transfer ${reference}`
export const orderKey = (reference: string) => `order ${reference}`

/** A key in words. */
export function nameOfKey(key: string): string {
  const [, length, rest] = /^append (\d+):(.*)$/s.exec(key) ?? []
  if (length === undefined || rest === undefined) return key
  return `${rest.slice(Number(length) + 1)} in ${rest.slice(0, Number(length))}`
}

const keyOf = (op: WriteOp): string =>
  op.kind === 'append'
    ? appendKey(op.list, op.value)
    : op.kind === 'transfer'
      ? transferKey(op.reference)
      : orderKey(op.reference)

export function evidenceOf(history: History, final: FinalState): Evidence {
  const { ops } = history
  const lists = listsIn(ops, final)
  return {
    ops,
    final,
    tried: triedIn(ops),
    views: final.views.map(viewEvidence),
    lists,
    sessions: sessionsOf(ops, lists),
  }
}

/** A transfer's amounts, by its reference. */
export const transferNamed = (evidence: Evidence, reference: string): TransferOp | undefined =>
  evidence.tried.get(transferKey(reference))?.ops[0] as TransferOp | undefined

function triedIn(ops: readonly Op[]): Map<string, Tried> {
  const tried = new Map<string, Tried>()
  for (const op of ops) {
    if (!isWrite(op)) continue
    const key = keyOf(op)
    const known = tried.get(key)
    if (!known) {
      tried.set(key, { kind: op.kind, ops: [op], outcome: op.outcome })
      continue
    }
    known.ops.push(op)
    if (op.outcome === 'ok' || known.outcome === 'ok') known.outcome = 'ok'
    else if (op.outcome === 'unknown') known.outcome = 'unknown'
  }
  return tried
}

function viewEvidence(view: View): ViewEvidence {
  const counts = new Map<string, number>()
  const add = (key: string, count: number) => counts.set(key, (counts.get(key) ?? 0) + count)
  const shows = new Set<WriteOp['kind']>()
  if (view.lists) shows.add('append')
  if (view.transfers) shows.add('transfer')
  if (view.orders) shows.add('order')
  for (const [list, values] of view.lists ?? []) for (const value of values) add(appendKey(list, value), 1)
  for (const [reference, count] of view.transfers ?? []) add(transferKey(reference), count)
  for (const [reference, count] of view.orders ?? []) add(orderKey(reference), count)
  const name = view.source === 'primary' ? 'the primary' : `${view.region}’s database`
  return { view, name, counts, shows }
}

function listsIn(ops: readonly Op[], final: FinalState): Map<string, ListEvidence> {
  const asked = final.views.find(({ lists }) => lists !== undefined)
  const orders = new Map(asked?.lists)
  const lists = new Map<string, Omit<ListEvidence, 'order' | 'position' | 'isFinal'>>()
  const named = (name: string) => {
    const known = lists.get(name) ?? { name, appends: [], reads: [] }
    if (known.appends.length + known.reads.length === 0) lists.set(name, known)
    return known
  }
  for (const op of ops) {
    if (op.kind === 'append') named(op.list).appends.push(op)
    if (op.kind === 'readList' && op.outcome === 'ok') named(op.list).reads.push({ op })
  }
  for (const name of orders.keys()) if (!lists.has(name)) lists.set(name, { name, appends: [], reads: [] })
  const complete = new Map<string, ListEvidence>()
  for (const [name, { appends, reads }] of lists) {
    const order = asked ? (orders.get(name) ?? []) : longest(reads.map(({ op }) => op.values))
    complete.set(name, {
      name,
      order,
      isFinal: asked !== undefined,
      position: positionsIn(order),
      appends,
      reads: reads.map(({ op }) =>
        beginsWith(order, op.values) ? { op, prefix: op.values.length } : { op },
      ),
    })
  }
  return complete
}

function positionsIn(order: readonly string[]): Map<string, number> {
  const position = new Map<string, number>()
  for (const [index, value] of order.entries()) if (!position.has(value)) position.set(value, index)
  return position
}

function longest(sequences: readonly (readonly string[])[]): readonly string[] {
  return sequences.reduce((best, one) => (one.length > best.length ? one : best), [])
}

/** Whether `whole` begins with `part`. */
export function beginsWith(whole: readonly string[], part: readonly string[]): boolean {
  if (part.length > whole.length) return false
  // From the end: sequences that differ mostly do so there.
  for (let index = part.length - 1; index >= 0; index -= 1) if (part[index] !== whole[index]) return false
  return true
}
