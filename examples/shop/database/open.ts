import { setTimeout as delay } from 'node:timers/promises'
import { Pool, type PoolConfig } from 'pg'
import { DatabaseUnavailable, isTransient } from './errors.ts'
import { type Query, queryOn } from './query.ts'
import { type WriteOptions, write } from './write.ts'

export type Database = {
  /** Reads from the local replica, which may lag behind. */
  read: Query
  /** Reads from the primary: always current, but possibly far away, and unavailable during a failover. */
  readPrimary: Query
  write<T>(work: (query: Query) => Promise<T>, options: WriteOptions): Promise<T>
  /** Whether the local replica answers; independent of the primary. */
  isReadable(): Promise<boolean>
  close(): Promise<void>
}

const common: PoolConfig = {
  application_name: 'shop',
  keepAlive: true,
  /** Includes the wait for a free connection. */
  connectionTimeoutMillis: 3_000,
  idleTimeoutMillis: 30_000,
  /** Connections that were routed to another region during an outage return within this time. */
  maxLifetimeSeconds: 120,
}

const readLimits: PoolConfig = { max: 8, statement_timeout: 5_000, query_timeout: 6_000 }

/**
 * No `statement_timeout` here: it also applies to COMMIT, and a COMMIT cancelled while it waits for its synchronous
 * standby reports success. The server limits locks and idle transactions, the driver everything else.
 */
const writeLimits: PoolConfig = {
  max: 8,
  lock_timeout: 3_000,
  idle_in_transaction_session_timeout: 10_000,
  query_timeout: 10_000,
}

/** An answer this recent proves that the replica is readable, so health checks cost a busy instance nothing. */
const proofMs = 1_000
const healthTimeoutMs = 1_000

export function openDatabase(urls: { databaseUrl: string; databaseReadUrl: string }): Database {
  const readPool = new Pool({ ...common, ...readLimits, connectionString: urls.databaseReadUrl })
  const writePool = new Pool({ ...common, ...writeLimits, connectionString: urls.databaseUrl })
  // A connection broke without a query in progress: idle, between two statements, or while connecting. Its next
  // statement fails anyway; without a listener, the event would end the process.
  const ignore = () => {}
  for (const pool of [readPool, writePool])
    pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))

  let lastAnswerAt = Number.NEGATIVE_INFINITY
  const ask: Query = async (text, values) => {
    const rows = await queryOn(readPool)<never>(text, values)
    lastAnswerAt = performance.now()
    return rows
  }

  return {
    read: retried(ask),
    readPrimary: retried(queryOn(writePool)),
    write: (work, options) => write(writePool, work, options),
    async isReadable() {
      if (performance.now() - lastAnswerAt < proofMs) return true
      const answered = ask('SELECT 1').then(
        () => true,
        () => false,
      )
      return Promise.race([answered, afterMs(healthTimeoutMs, false)])
    },
    async close() {
      await Promise.all([readPool.end(), writePool.end()])
    },
  }
}

/** Longer than it takes to find all kept connections to a failed server broken, one after another. */
const readRetryMs = 2_000

/**
 * Retries a read on another connection if its connection was broken, because reads are safe to repeat. The next one may
 * be broken as well: all kept connections to a failed server are, and each shows it only when used.
 */
function retried(query: Query): Query {
  return async <Row extends object>(text: string, values?: unknown[]) => {
    const giveUpAt = performance.now() + readRetryMs
    for (;;) {
      try {
        return await query<Row>(text, values)
      } catch (error) {
        if (!isTransient(error)) throw error
        if (performance.now() >= giveUpAt) throw new DatabaseUnavailable(error)
      }
      await delay(10 + Math.random() * 30)
    }
  }
}

function afterMs<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref())
}
