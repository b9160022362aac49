import { DatabaseError } from 'pg'

/** The connection broke or could not be opened, so the outcome is not known. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'ConnectionLost'
  }
}

/** No database could do the work in time. Nothing was written. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown) {
    super('the database is not available', { cause })
    this.name = 'DatabaseUnavailable'
  }
}

/** The work may or may not have been written, and this could not be determined in time. Never assume either. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the database did not confirm the write', { cause })
    this.name = 'OutcomeUnknown'
  }
}

/** SQLSTATEs after which the same work may succeed on another connection, usually to another server. */
const transientStates = new Set([
  '25006', // read_only_sql_transaction: this server is a replica now
  '40001', // serialization_failure, and on a replica: cancelled by recovery
  '40P01', // deadlock_detected
  '53300', // too_many_connections
  '55P03', // lock_not_available, also when an earlier attempt of ours is still waiting for its commit
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up or shutting down
])

export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true
  return error instanceof DatabaseError && (transientStates.has(error.code ?? '') || inClass(error, '08'))
}

/** A COMMIT refused with one of these classes has certainly been rolled back: constraints (23), conflicts (40). */
export function isRefusedCommit(error: unknown): boolean {
  return error instanceof DatabaseError && (inClass(error, '23') || inClass(error, '40'))
}

const inClass = (error: DatabaseError, sqlStateClass: string) =>
  error.code?.startsWith(sqlStateClass) === true
