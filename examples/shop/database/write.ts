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
  /** True when running the work twice has the effect of running it once, for example by a unique key. */
  idempotent: boolean
  /** How long to go on trying while there is no primary. */
  patienceMs?: number
}

/** Longer than a failover and short enough for a person who waits for a page. */
const defaultPatienceMs = 20_000

/** A commit may have to wait until a lost standby is given up; hanging up earlier would only create doubt. */
const commitTimeoutMs = 30_000

type Attempt<T> =
  | { kind: 'committed'; value: T }
  | { kind: 'rolled back'; error: unknown; connection: 'clean' | 'doubtful' }
  | { kind: 'unknown'; error: unknown }

/**
 * Runs `work` in one transaction and returns its value once the commit is certain.
 *
 * Failover makes two kinds of failure. Before COMMIT was sent nothing can have been written, so the work is tried again
 * on another connection until `patienceMs` is over. Once COMMIT was sent and its answer is missing or doubtful, the work
 * may have been written: only idempotent work is then tried again, all other work fails with `OutcomeUnknown`.
 */
export async function write<T>(
  pool: Pool,
  work: (query: Query) => Promise<T>,
  { idempotent, patienceMs = defaultPatienceMs }: WriteOptions,
): Promise<T> {
  const giveUpAt = performance.now() + patienceMs
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
    // Spread, so that requests that failed together do not come back together.
    await delay(100 + Math.random() * 150)
  }
}

async function attemptOnce<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<Attempt<T>> {
  let client: PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    const lost = error instanceof DatabaseError ? error : new ConnectionLost(error)
    return { kind: 'rolled back', error: lost, connection: 'doubtful' }
  }
  const attempt = await transaction(client, work)
  client.release(!isReusable(attempt))
  return attempt
}

/** A connection that failed us may lead to a server that is no longer the primary: the pool then makes a new one. */
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
    return { kind: 'rolled back', error, connection: rolledBack ? 'clean' : 'doubtful' }
  }

  try {
    const { command, warning } = await commit(client)
    if (command !== 'COMMIT') {
      const error = new Error(`a failed statement was overlooked: COMMIT was answered with ${command}`)
      return { kind: 'rolled back', error, connection: 'clean' }
    }
    // Somebody cancelled the wait for the synchronous standby: committed here, and perhaps nowhere else.
    return warning === undefined
      ? { kind: 'committed', value }
      : { kind: 'unknown', error: new Error(warning) }
  } catch (error) {
    return isRefusedCommit(error)
      ? { kind: 'rolled back', error, connection: 'doubtful' }
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
