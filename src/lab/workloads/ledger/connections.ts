import pg from 'pg'
import type { Region } from '../../../topology/regions.ts'
import type { WorkloadWorld } from '../types.ts'

/** One region's database endpoints, as given to its app. */
export type Endpoints = { region: Region; write: pg.Pool; read: pg.Pool; close: () => Promise<void> }

/** A write holds its connection for a few round trips between regions, at most 0.25 s without faults. */
const secondsPerWrite = 0.3
const secondsPerRead = 0.1
/** A read waits only for its database; the final one reads everything. */
const readMs = 15_000
/** The app needs connections as well: see `maxConnections` of the topology. */
const mostConnections = 16

/** Reads that were routed to another region while the local database was down return home within this time. */
const readLifetimeSeconds = 5
/** Writes usually go to another region, and a new session takes several round trips. HAProxy ends them on failover. */
const writeLifetimeSeconds = 60

/**
 * Adds error handlers. Without them, two errors outside of a query would end the process: one of an idle connection,
 * which the pool has already discarded, and one of a connection that fails before its waiting caller continues.
 */
export function withErrorHandlers(pool: pg.Pool): pg.Pool {
  const ignore = () => undefined
  return pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))
}

type Rates = { writesPerSecond: number; readsPerSecond: number; answerTimeoutMs: number }

/** Not connected yet. Uses the app's own role, with the app's own privileges. */
export function endpointsOf(world: WorkloadWorld, region: Region, rates: Rates): Endpoints {
  const { database, ports } = world.topology
  const pool = (port: number, connections: number, options: pg.PoolConfig) => {
    const made = new pg.Pool({
      host: region.address,
      port,
      user: database.name,
      password: world.secrets.app,
      database: database.name,
      max: Math.min(mostConnections, Math.ceil(connections) + 2),
      // Also limits the wait for a free connection.
      connectionTimeoutMillis: rates.answerTimeoutMs,
      keepAlive: true,
      ...options,
    })
    return withErrorHandlers(made)
  }
  const write = pool(ports.databaseWrite, rates.writesPerSecond * secondsPerWrite, {
    application_name: 'nearside drill, writes',
    query_timeout: rates.answerTimeoutMs,
    maxLifetimeSeconds: writeLifetimeSeconds,
  })
  const read = pool(ports.databaseRead, rates.readsPerSecond * secondsPerRead, {
    application_name: 'nearside drill, reads',
    query_timeout: readMs,
    maxLifetimeSeconds: readLifetimeSeconds,
  })
  return {
    region,
    write,
    read,
    close: async () => {
      await Promise.all([write.end(), read.end()])
    },
  }
}
