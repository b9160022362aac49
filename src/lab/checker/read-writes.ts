import type { ReadListOp, ReadOrdersOp } from '../history.ts'
import type { Evidence } from './evidence.ts'

type ReadWrites = {
  op: ReadListOp | ReadOrdersOp
  /** The writes that it showed, in its order, by number. Entries that no user wrote are left to no-phantom-writes. */
  numbers: number[]
}

/**
 * Answered reads and the writes that they showed. A timeline that is gone by the end may have shown writes that only
 * such a read still proves. Omits reads that are prefixes of the final list, because the list covers them.
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
