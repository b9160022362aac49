import pg from 'pg'
import type { Region } from '../../../topology/regions.ts'
import type { WorkloadWorld } from '../types.ts'

/** One region's database endpoints, as its app has them. */
export type Endpoints = { region: Region; write: pg.Pool; read: pg.Pool; close: () => Promise<void> }

/** A write holds its connection for some round trips between regions, at worst a quarter of a second in calm. */
const secondsAWrite = 0.3
const secondsARead = 0.1
/** A read waits for nothing but the way to its database; at the end it reads everything. */
const readMs = 15_000
/** The app needs connections as well: see the topology's `maxConnections`. */
const mostConnections = 16

/** Reads that were led to another region while the own database was away come home within this time. */
const readLifetimeSeconds = 5
/** Writes are far from home as a rule, and a new session takes several round trips. When the primary moves, HAProxy ends them. */
const writeLifetimeSeconds = 60

/**
 * An error that comes when nothing is asked ends the process if nobody listens: of an idle connection, which the pool has
 * forgotten by then, and of one that is lost with its first packet, before whoever waited for it goes on.
 */
export function heard(pool: pg.Pool): pg.Pool {
  const ignore = () => undefined
  return pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))
}

type Rates = { writesPerSecond: number; readsPerSecond: number; patienceMs: number }

/** Nothing is connected yet. With the app's own role, which may do nothing that the app may not do. */
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
      // Also how long a free connection is waited for.
      connectionTimeoutMillis: rates.patienceMs,
      keepAlive: true,
      ...options,
    })
    return heard(made)
  }
  const write = pool(ports.databaseWrite, rates.writesPerSecond * secondsAWrite, {
    application_name: 'nearside drill, writes',
    query_timeout: rates.patienceMs,
    maxLifetimeSeconds: writeLifetimeSeconds,
  })
  const read = pool(ports.databaseRead, rates.readsPerSecond * secondsARead, {
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
