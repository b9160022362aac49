import pg from 'pg'
import { messageOf } from '../../../lib/errors.ts'
import { clockMs, type Outcome, type Place } from '../../history.ts'

export type Written = { outcome: Outcome; why: string; place?: Place; commitSentMs?: number }

/**
 * One statement in a transaction, tried once, and what is known of it afterwards:
 *
 * - ok: COMMIT was answered with COMMIT and without a warning
 * - fail: COMMIT was never sent, or the server said that it rolled back (ROLLBACK, SQLSTATE class 23 or 40)
 * - unknown: COMMIT was sent, and its answer is missing or doubtful. "Canceling wait for synchronous replication" comes
 *   as a warning with a COMMIT that says success: it is on this server's disk, and perhaps nowhere else.
 *
 * A connection that failed is closed: the server then rolls back what was not committed. All of it takes `patienceMs` at
 * most, if the pool gives up connecting after that time as well. The pool has to be one that is `heard`.
 */
export async function writeOnce(
  pool: pg.Pool,
  patienceMs: number,
  text: string,
  values: unknown[],
): Promise<Written> {
  const giveUpAt = performance.now() + patienceMs
  const timed = (text: string, values: unknown[] = []) => {
    const leftMs = giveUpAt - performance.now()
    if (leftMs <= 0) throw new Error(`no answer in ${patienceMs} ms`)
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
