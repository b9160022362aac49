import type { AppendOp, Op, OrderOp, ReadListOp, ReadOrdersOp } from '../history.ts'
import type { ListEvidence } from './lists.ts'

/**
 * One user and one growing object: a list, or the orders of a customer. Contains the user's view of it, for
 * checks of session guarantees.
 */
export type Session = {
  /** This user's acknowledged writes, in order of acknowledgement. */
  writes: { op: AppendOp | OrderOp; value: string }[]
  /** This user's answered reads. */
  reads: SessionRead[]
  /** Position of a value in the list's one order; undefined for orders and for values without a position. */
  place: (value: string) => number | undefined
}

export type SessionRead = {
  op: ReadListOp | ReadOrdersOp
  values: readonly string[]
  /** Length of the prefix of the list's one order that the read shows. */
  prefix?: number
}

/** Every pair of a user and an object that the user has read. */
export function sessionsOf(ops: readonly Op[], lists: ReadonlyMap<string, ListEvidence>): Session[] {
  const sessions: Session[] = []
  for (const { position, appends, reads } of lists.values()) {
    const byUser = new Map<string, Session>()
    const of = (user: string) => sessionIn(byUser, user, (value) => position.get(value))
    for (const { op, prefix } of reads)
      of(op.user).reads.push({ op, values: op.values, ...(prefix === undefined ? {} : { prefix }) })
    for (const op of appends)
      if (op.outcome === 'ok') byUser.get(op.user)?.writes.push({ op, value: op.value })
    sessions.push(...byUser.values())
  }

  const byCustomer = new Map<string, Session>()
  const keyOf = (op: OrderOp | ReadOrdersOp) => `${op.user.length}:${op.user}:${op.customer}`
  for (const op of ops)
    if (op.kind === 'readOrders' && op.outcome === 'ok')
      sessionIn(byCustomer, keyOf(op), () => undefined).reads.push({ op, values: op.references })
  for (const op of ops)
    if (op.kind === 'order' && op.outcome === 'ok')
      byCustomer.get(keyOf(op))?.writes.push({ op, value: op.reference })
  sessions.push(...byCustomer.values())

  for (const { writes, reads } of sessions) {
    writes.sort((a, b) => a.op.completedMs - b.op.completedMs)
    reads.sort((a, b) => a.op.invokedMs - b.op.invokedMs)
  }
  return sessions
}

function sessionIn(sessions: Map<string, Session>, key: string, place: Session['place']): Session {
  const known = sessions.get(key)
  if (known) return known
  const made: Session = { writes: [], reads: [], place }
  sessions.set(key, made)
  return made
}

/** Whether the read went to the primary. Pages of the shop come from replicas. */
export const fromPrimary = ({ op }: SessionRead) => op.kind === 'readList' && op.source === 'primary'

/**
 * The first index in `wanted` whose value is not among `shown`; undefined if none is missing. Looks at no more of
 * `wanted` than `shown` could hold, so a long session of empty reads costs only as much as was read.
 */
export function missingFrom(shown: readonly string[], wanted: readonly string[]): number | undefined {
  const there = new Set(shown)
  const most = Math.min(wanted.length, there.size + 1)
  for (let index = 0; index < most; index += 1) if (!there.has(wanted[index]!)) return index
  return undefined
}
