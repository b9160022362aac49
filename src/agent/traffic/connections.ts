import { type Budget, budgetFrontends } from '../../engines/haproxy/limits.ts'
import type { StatRow } from '../../engines/haproxy/parse.ts'

/** Connections of an edge, by what they are for. */
export type EdgeConnections = Partial<Record<Budget, { current: number; limit: number }>> & {
  /** Users' connections that the kernel holds until one of the present ones ends. */
  usersWaiting: number
}

/** `waiting` is asked only while users have all of their connections: it reads the list of all sockets. */
export function connectionsOf(rows: readonly StatRow[], waiting: () => number): EdgeConnections {
  const counts: Partial<Record<Budget, { current: number; limit: number }>> = {}
  for (const [budget, proxy] of Object.entries(budgetFrontends) as [Budget, string][]) {
    const row = rows.find((one) => one.kind === 'frontend' && one.proxy === proxy)
    if (row?.limit !== undefined) counts[budget] = { current: row.current, limit: row.limit }
  }
  const { users } = counts
  return { ...counts, usersWaiting: users && users.current >= users.limit ? waiting() : 0 }
}
