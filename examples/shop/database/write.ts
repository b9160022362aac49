import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseError, type Pool, type PoolClient } from 'pg'
import {
  ConnectionLost,
  DatabaseUnavailable,
  isRefusedCommit,
  isTransient,
  OutcomeUnknown,
} from './errors.ts'
import { type Query, queryOn } from './query.ts'

export type WriteOptions = {
  /** True if running the work twice has the same effect as once, for example because of a unique key. */
  idempotent: boolean
  /** How long to retry while there is no primary. */
  retryForMs?: number
}

/** Longer than a failover, but short enough for a person waiting for a page. */
const defaultRetryForMs = 20_000

/** A commit may wait until a failed standby is dropped; a shorter timeout would only make outcomes ambiguous. */
const commitTimeoutMs = 30_000

type Attempt<T> =
  | { kind: 'committed'; value: T }
  | { kind: 'rolled back'; error: unknown; connection: 'clean' | 'suspect' }
  | { kind: 'unknown'; error: unknown }

/**
 * Runs `work` in one transaction and returns its value once the commit is certain.
 *
 * Failover causes two kinds of failures. Before COMMIT is sent, nothing can have been written, so the work is retried
 * on another connection until `retryForMs` has passed. If COMMIT was sent and its answer is missing or ambiguous, the
 * work may have been written: idempotent work is retried, all other work fails with `OutcomeUnknown`.
 */
export async function write<T>(
  pool: Pool,
  work: (query: Query) => Promise<T>,
  { idempotent, retryForMs = defaultRetryForMs }: WriteOptions,
): Promise<T> {
  const giveUpAt = performance.now() + retryForMs
  let mayBeWritten = false
  for (;;) {
    const attempt = await attemptOnce(pool, work)
    if (attempt.kind === 'committed') return attempt.value

    mayBeWritten ||= attempt.kind === 'unknown'
    const mayRetry = attempt.kind === 'unknown' ? idempotent : isTransient(attempt.error)
    if (!mayRetry || performance.now() >= giveUpAt) {
      if (mayBeWritten) throw new OutcomeUnknown(attempt.error)
      throw mayRetry ? new DatabaseUnavailable(attempt.error) : attempt.error
    }
    // Jitter, so that requests that failed together are not retried together.
    await delay(100 + Math.random() * 150)
  }
}

async function attemptOnce<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<Attempt<T>> {
  let client: PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    const lost = error instanceof DatabaseError ? error : new ConnectionLost(error)
    return { kind: 'rolled back', error: lost, connection: 'suspect' }
  }
  const attempt = await transaction(client, work)
  client.release(!isReusable(attempt))
  return attempt
}

/** After a failure, the connection may lead to a server that is no longer the primary, so the pool opens a new one. */
function isReusable(attempt: Attempt<unknown>): boolean {
  return attempt.kind === 'committed' || (attempt.kind === 'rolled back' && attempt.connection === 'clean')
}

async function transaction<T>(client: PoolClient, work: (query: Query) => Promise<T>): Promise<Attempt<T>> {
  const query = queryOn(client)
  let value: T
  try {
    await query('BEGIN')
    value = await work(query)
  } catch (error) {
    const rolledBack = !isTransient(error) && (await succeeds(query('ROLLBACK')))
    return { kind: 'rolled back', error, connection: rolledBack ? 'clean' : 'suspect' }
  }

  try {
    const { command, warning } = await commit(client)
    if (command !== 'COMMIT') {
      const error = new Error(`the work ignored a failed statement: COMMIT was answered with ${command}`)
      return { kind: 'rolled back', error, connection: 'clean' }
    }
    // The wait for the synchronous standby was cancelled: committed here, and perhaps nowhere else.
    return warning === undefined
      ? { kind: 'committed', value }
      : { kind: 'unknown', error: new Error(warning) }
  } catch (error) {
    return isRefusedCommit(error)
      ? { kind: 'rolled back', error, connection: 'suspect' }
      : { kind: 'unknown', error }
  }
}

async function commit(client: PoolClient): Promise<{ command: string; warning: string | undefined }> {
  let warning: string | undefined
  const listen = (notice: { severity: string | undefined; message: string | undefined }) => {
    if (notice.severity === 'WARNING') warning = notice.message ?? 'warning'
  }
  client.on('notice', listen)
  try {
    const timed = { text: 'COMMIT', query_timeout: commitTimeoutMs }
    const { command } = await client.query(timed)
    return { command, warning }
  } finally {
    client.off('notice', listen)
  }
}

const succeeds = (promise: Promise<unknown>) =>
  promise.then(
    () => true,
    () => false,
  )
