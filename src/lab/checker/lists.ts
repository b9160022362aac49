import type { AppendOp, FinalState, Op, ReadListOp } from '../history.ts'

/** Attempted appends, answered reads and the final order of one list. */
export type ListEvidence = {
  name: string
  /**
   * The list's one order: from the first final view, or from the longest read if no view was queried for lists.
   */
  order: readonly string[]
  isFinal: boolean
  /** First position of each value in `order`. */
  position: ReadonlyMap<string, number>
  appends: AppendOp[]
  /** Answered reads. */
  reads: {
    op: ReadListOp /** Length of the prefix of `order` that it shows; undefined if it shows no prefix. */
    prefix?: number
  }[]
}

export function listsIn(ops: readonly Op[], final: FinalState): Map<string, ListEvidence> {
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
  // Backwards, because sequences usually differ at the end.
  for (let index = part.length - 1; index >= 0; index -= 1) if (part[index] !== whole[index]) return false
  return true
}
