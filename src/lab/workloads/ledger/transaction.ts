import pg from 'pg'
import { messageOf } from '../../../lib/errors.ts'
import { clockMs, type Outcome, type Place } from '../../history.ts'

export type Written = { outcome: Outcome; why: string; place?: Place; commitSentMs?: number }

/**
 * Runs one statement in a transaction, once, and returns the outcome:
 *
 * - ok: COMMIT was answered with COMMIT and without a warning
 * - fail: COMMIT was never sent, or the server reported a rollback (ROLLBACK, SQLSTATE class 23 or 40)
 * - unknown: COMMIT was sent, and its answer is missing or ambiguous. "Canceling wait for synchronous replication" is a
 *   warning on a successful COMMIT: the write is on this server's disk, and perhaps nowhere else.
 *
 * A failed connection is closed, so that the server rolls back uncommitted work. Takes at most `answerTimeoutMs`,
 * provided that the pool gives up connecting after that time as well. The pool must have error handlers
 * (`withErrorHandlers`).
 */
export async function writeOnce(
  pool: pg.Pool,
  answerTimeoutMs: number,
  text: string,
  values: unknown[],
): Promise<Written> {
  const giveUpAt = performance.now() + answerTimeoutMs
  const timed = (text: string, values: unknown[] = []) => {
    const leftMs = giveUpAt - performance.now()
    if (leftMs <= 0) throw new Error(`no answer in ${answerTimeoutMs} ms`)
    return { text, values, query_timeout: Math.ceil(leftMs) }
  }
  let client: pg.PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    return { outcome: 'fail', why: whyOf(error) }
  }
  let warning: string | undefined
  const listen = (notice: { severity?: string | undefined; message?: string | undefined }) => {
    if (notice.severity === 'WARNING') warning = notice.message ?? 'a warning'
  }
  client.on('notice', listen)
  let commitSentMs: number | undefined
  const finish = (written: Omit<Written, 'commitSentMs'>): Written => {
    client.off('notice', listen)
    client.release(written.outcome !== 'ok')
    return { ...written, ...(commitSentMs === undefined ? {} : { commitSentMs }) }
  }
  try {
    await client.query(timed('BEGIN'))
    const { rows } = await client.query<Place>(timed(text, values))
    const commit = timed('COMMIT')
    commitSentMs = clockMs()
    const { command } = await client.query(commit)
    if (warning !== undefined) return finish({ outcome: 'unknown', why: warning })
    if (command !== 'COMMIT') return finish({ outcome: 'fail', why: `COMMIT was answered with ${command}` })
    const { server, timeline } = rows[0]!
    return finish({ outcome: 'ok', why: 'COMMIT', place: { server, timeline } })
  } catch (error) {
    const refused = commitSentMs === undefined || (error instanceof pg.DatabaseError && rolledBack(error))
    return finish({ outcome: refused ? 'fail' : 'unknown', why: whyOf(error) })
  }
}

const rolledBack = ({ code }: pg.DatabaseError) => code?.startsWith('23') || code?.startsWith('40')

/** SQLSTATE or error code, and the message. */
export function whyOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return `${typeof code === 'string' ? `${code}: ` : ''}${messageOf(error)}`.slice(0, 300)
}
