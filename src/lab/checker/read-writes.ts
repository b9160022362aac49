import type { ReadListOp, ReadOrdersOp } from '../history.ts'
import type { Evidence } from './evidence.ts'

type ReadWrites = {
  op: ReadListOp | ReadOrdersOp
  /** The writes that it showed, in its order, by their numbers. What nobody tried is left out: see nothing-unasked. */
  numbers: number[]
}

/**
 * Answered reads and the writes that they showed. A database may have shown what is gone by the end, with the timeline
 * that it was on: then a read is all that is left to prove it. Reads that are a beginning of the final list are left
 * out, because what they showed has been looked at there.
 */
export function* readWrites({ ops, lists, numbers }: Evidence): Generator<ReadWrites> {
  for (const { name, reads, isFinal } of lists.values())
    for (const { op, prefix } of reads)
      if (!isFinal || prefix === undefined)
        yield { op, numbers: known(op.values, (value) => numbers.append(name, value)) }
  for (const op of ops)
    if (op.kind === 'readOrders' && op.outcome === 'ok')
      yield { op, numbers: known(op.references, numbers.order) }
}

function known(names: readonly string[], numberOf: (name: string) => number | undefined): number[] {
  const found: number[] = []
  for (const name of names) {
    const number = numberOf(name)
    if (number !== undefined) found.push(number)
  }
  return found
}
