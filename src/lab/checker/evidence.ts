import { type FinalState, isWrite, type Op, type Outcome, type View, type WriteOp } from '../history.ts'
import { type ListEvidence, listsIn } from './lists.ts'
import { type Session, sessionsOf } from './sessions.ts'

/**
 * Indexes a history and a final state once for all checks. The index is linear in the history, and the checks must be,
 * too: a million operations are checked within seconds. Each write therefore has a number, which indexes the arrays of
 * every view.
 */
export type Evidence = {
  ops: readonly Op[]
  final: FinalState
  /** Every attempted write, by number. */
  writes: readonly Tried[]
  numbers: Numbers
  views: readonly ViewEvidence[]
  lists: ReadonlyMap<string, ListEvidence>
  sessions: readonly Session[]
}

/** A write with all of its attempts: a reference may be sent again, but creates one write at most. */
type Tried = {
  kind: WriteOp['kind']
  ops: WriteOp[]
  /** `ok` if any attempt was acknowledged, `fail` if all failed. */
  outcome: Outcome
}

export type ViewEvidence = {
  view: View
  name: string
  /** How often each write exists, by number. */
  counts: Uint32Array
  /** Descriptions of entries that no user wrote, and how often they exist. */
  unasked: ReadonlyMap<string, number>
  /** Kinds of writes that it was queried for. */
  shows: ReadonlySet<WriteOp['kind']>
}

/** Assigns a number to every attempted write. */
class Numbers {
  readonly #appends = new Map<string, Map<string, number>>()
  readonly #transfers = new Map<string, number>()
  readonly #orders = new Map<string, number>()

  append = (list: string, value: string): number | undefined => this.#appends.get(list)?.get(value)
  transfer = (reference: string): number | undefined => this.#transfers.get(reference)
  order = (reference: string): number | undefined => this.#orders.get(reference)

  /** The write's number; assigns `next` to a new one. */
  of(op: WriteOp, next: number): number {
    const [numbers, name] = this.#place(op)
    const known = numbers.get(name)
    if (known !== undefined) return known
    numbers.set(name, next)
    return next
  }

  #place(op: WriteOp): [Map<string, number>, string] {
    if (op.kind === 'transfer') return [this.#transfers, op.reference]
    if (op.kind === 'order') return [this.#orders, op.reference]
    const list = this.#appends.get(op.list) ?? new Map<string, number>()
    if (list.size === 0) this.#appends.set(op.list, list)
    return [list, op.value]
  }
}

const nameOfAppend = (list: string, value: string) => `${value} in ${list}`

/** A write's short name: "v17 in list-3", "order r1". */
export function nameOf({ ops: [op] }: Tried): string {
  if (op!.kind === 'append') return nameOfAppend(op!.list, op!.value)
  return `${op!.kind} ${op!.reference}`
}

export function evidenceOf(ops: readonly Op[], final: FinalState): Evidence {
  const lists = listsIn(ops, final)
  const { writes, numbers } = writesIn(ops)
  return {
    ops,
    final,
    writes,
    numbers,
    views: final.views.map((view) => viewEvidence(view, writes.length, numbers)),
    lists,
    sessions: sessionsOf(ops, lists),
  }
}

function writesIn(ops: readonly Op[]): Pick<Evidence, 'writes' | 'numbers'> {
  const writes: Tried[] = []
  const numbers = new Numbers()
  for (const op of ops) {
    if (!isWrite(op)) continue
    const number = numbers.of(op, writes.length)
    const known = writes[number]
    if (!known) {
      writes.push({ kind: op.kind, ops: [op], outcome: op.outcome })
      continue
    }
    known.ops.push(op)
    if (op.outcome === 'ok' || known.outcome === 'ok') known.outcome = 'ok'
    else if (op.outcome === 'unknown') known.outcome = 'unknown'
  }
  return { writes, numbers }
}

function viewEvidence(view: View, writes: number, numbers: Numbers): ViewEvidence {
  const counts = new Uint32Array(writes)
  const unasked = new Map<string, number>()
  const add = (number: number | undefined, count: number, name: () => string) => {
    if (number !== undefined) counts[number]! += count
    else unasked.set(name(), (unasked.get(name()) ?? 0) + count)
  }
  const shows = new Set<WriteOp['kind']>()
  if (view.lists) shows.add('append')
  if (view.transfers) shows.add('transfer')
  if (view.orders) shows.add('order')
  for (const [list, values] of view.lists ?? [])
    for (const value of values) add(numbers.append(list, value), 1, () => nameOfAppend(list, value))
  for (const [reference, count] of view.transfers ?? [])
    add(numbers.transfer(reference), count, () => `transfer ${reference}`)
  for (const [reference, count] of view.orders ?? [])
    add(numbers.order(reference), count, () => `order ${reference}`)
  const name = view.source === 'primary' ? 'the primary' : `${view.region}’s database`
  return { view, name, counts, unasked, shows }
}
