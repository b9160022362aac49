import { setTimeout as delay } from 'node:timers/promises'
import { Pool, type PoolConfig } from 'pg'
import { DatabaseUnavailable, isTransient } from './errors.ts'
import { type Query, queryOn } from './query.ts'
import { type WriteOptions, write } from './write.ts'

export type Database = {
  /** Reads from the local replica, which may lag behind. */
  read: Query
  /** Reads from the primary: true at once, possibly far away, and not there during a failover. */
  readPrimary: Query
  write<T>(work: (query: Query) => Promise<T>, options: WriteOptions): Promise<T>
  /** Whether the local replica answers. Says nothing about the primary. */
  isReadable(): Promise<boolean>
  close(): Promise<void>
}

const common: PoolConfig = {
  application_name: 'shop',
  keepAlive: true,
  /** Includes the wait for a free connection. */
  connectionTimeoutMillis: 3_000,
  idleTimeoutMillis: 30_000,
  /** Connections that were led to another region during an outage come home within this time. */
  maxLifetimeSeconds: 120,
}

const readLimits: PoolConfig = { max: 8, statement_timeout: 5_000, query_timeout: 6_000 }

/**
 * No `statement_timeout` here: it counts for COMMIT too, and a COMMIT cancelled while it waits for its synchronous
 * standby reports success. Locks and idle transactions are limited by the server, everything else by the driver.
 */
const writeLimits: PoolConfig = {
  max: 8,
  lock_timeout: 3_000,
  idle_in_transaction_session_timeout: 10_000,
  query_timeout: 10_000,
}

/** An answer this young proves that the replica can be read, so health checks cost a busy instance nothing. */
const proofMs = 1_000
const healthTimeoutMs = 1_000

export function openDatabase(urls: { databaseUrl: string; databaseReadUrl: string }): Database {
  const readPool = new Pool({ ...common, ...readLimits, connectionString: urls.databaseReadUrl })
  const writePool = new Pool({ ...common, ...writeLimits, connectionString: urls.databaseUrl })
  // A connection was lost while nothing was asked on it: idle, between two statements, or with its very first packet.
  // Whoever uses it finds out by the next statement; unheard, the event would end the process.
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
    read: patiently(ask),
    readPrimary: patiently(queryOn(writePool)),
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

/** Longer than all kept connections of a lost server take to be found broken, one after the other. */
const readPatienceMs = 2_000

/**
 * Reading is harmless, so a read that met a broken connection is tried again on another one. That may be broken as well:
 * a server that is lost takes every connection along that was kept to it, and nobody knows until each is used.
 */
function patiently(query: Query): Query {
  return async <Row extends object>(text: string, values?: unknown[]) => {
    const giveUpAt = performance.now() + readPatienceMs
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
