import { type ClientBase, DatabaseError, type Pool, type QueryResultRow } from 'pg'
import { ConnectionLost } from './errors.ts'

/** Runs one statement with `$1`-style parameters and returns its rows. */
export type Query = <Row extends QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>

/** Turns every error that is not the server's into `ConnectionLost`, so that callers need not know the driver's errors. */
export function queryOn(target: ClientBase | Pool): Query {
  return async <Row extends QueryResultRow>(text: string, values: unknown[] = []) => {
    try {
      return (await target.query<Row>(text, values)).rows
    } catch (error) {
      throw error instanceof DatabaseError ? error : new ConnectionLost(error)
    }
  }
}
