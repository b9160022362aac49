import { type ClientBase, DatabaseError, type Pool, type QueryResultRow } from 'pg'
import { ConnectionLost } from './errors.ts'

/** Runs one statement with `$1`-style parameters and gives its rows. */
export type Query = <Row extends QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>

/** Whatever is not an answer of the server becomes `ConnectionLost`, so that callers need not know the driver's errors. */
export function queryOn(target: ClientBase | Pool): Query {
  return async <Row extends QueryResultRow>(text: string, values: unknown[] = []) => {
    try {
      return (await target.query<Row>(text, values)).rows
    } catch (error) {
      throw error instanceof DatabaseError ? error : new ConnectionLost(error)
    }
  }
}
