import type { Region } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'
import type { Machine } from '../machine.ts'
import { maxHeld, proxies } from './layout.ts'

/**
 * How many connections each frontend takes. Together they are what the process can have, so none of them can take
 * another's place: while users occupy all of theirs, other regions, the app's database connections and health checks
 * still get through.
 */

export type Budget =
  | 'users'
  | 'regions'
  | 'health'
  | 'writes'
  | 'reroute'
  | 'chunked'
  | 'origin'
  | 'sockets'
  | 'databaseWrite'
  | 'databaseRead'

export type Budgets = Record<Budget, number>

/** The frontend of each budget. */
export const budgetFrontends: Record<Budget, string> = {
  users: proxies.users,
  regions: proxies.regions,
  health: proxies.health,
  writes: proxies.writes,
  reroute: proxies.reroute,
  chunked: proxies.chunked,
  origin: proxies.origin,
  sockets: proxies.sockets,
  databaseWrite: proxies.database(proxies.primary),
  databaseRead: proxies.database(proxies.replica),
}

/** Each connection may need a second one, to an app or to the next hop. */
const filesPerConnection = 2

/** Listeners, health checks, threads, logs, and the runtime API. */
const otherFiles = 600

/**
 * Measured with 2,682 idle WebSockets, each of which is two connections: 5 to 7 kB each. A busy connection has a buffer of
 * 16 kB on top, or two, and the kernel's buffers.
 */
const bytesPerConnection = 32 * 1024

/** The other engines and the app need memory too. */
const memoryShare = 0.25

const mostConnections = 500_000

/** Checks by agents and HAProxys of all regions: a few per region and second, each for milliseconds. */
const healthConnections = 128

/** Parts of what remains after health and the database endpoints. */
const shares = {
  full: { users: 0.4, sockets: 0.3, regions: 0.1, writes: 0.1, reroute: 0.03, chunked: 0.03, origin: 0.04 },
  edge: { users: 0.7, sockets: 0, regions: 0, writes: 0.2, reroute: 0.03, chunked: 0.03, origin: 0.04 },
} as const

/** Of what remains, the most that `edge.maxConnections` can give to users: their requests need the other frontends. */
const mostForUsers = 0.75

function shared(topology: Topology, region: Pick<Region, 'full'>, machine: Machine) {
  const files = Math.max(0, machine.openFiles - otherFiles) / filesPerConnection
  const memory = (machine.memoryBytes * memoryShare) / bytesPerConnection
  const total = Math.max(200, Math.floor(Math.min(files, memory, mostConnections)))
  // PostgreSQL refuses more. Twice as many, because an app opens new connections while old ones are still closing.
  const wanted = 2 * topology.database.maxConnections + 100
  const database = region.full ? Math.min(wanted, Math.floor(total / 8)) : 0
  const health = Math.min(healthConnections, Math.floor(total / 8))
  return { database, health, rest: total - health - 2 * database }
}

/** The most connections of users that a region on this machine can be given. */
export function mostUsers(topology: Topology, region: Pick<Region, 'full'>, machine: Machine): number {
  return Math.floor(shared(topology, region, machine).rest * mostForUsers)
}

export function budgetsOf(topology: Topology, region: Pick<Region, 'full'>, machine: Machine): Budgets {
  const { database, health, rest } = shared(topology, region, machine)
  const share = shares[region.full ? 'full' : 'edge']
  const users = Math.min(
    topology.edge.maxConnections ?? Math.floor(rest * share.users),
    mostUsers(topology, region, machine),
  )
  // What users leave is divided among the others.
  const part = (of: Exclude<keyof typeof share, 'users'>) =>
    Math.floor((rest - users) * (share[of] / (1 - share.users)))
  return {
    users,
    health,
    regions: part('regions'),
    writes: part('writes'),
    reroute: part('reroute'),
    chunked: part('chunked'),
    origin: part('origin'),
    sockets: part('sockets'),
    databaseWrite: database,
    databaseRead: database,
  }
}

/** HAProxy's own limit, with room for its peers section. */
export const totalOf = (budgets: Budgets) => Object.values(budgets).reduce((sum, one) => sum + one, 0) + 32

/** Writes that may be held: the others must still pass, and uploads. */
export const heldOf = ({ writes }: Budgets) => Math.min(maxHeld, Math.floor(writes * 0.6))

/** Requests of users whose body is still arriving: a third of `writes`. They never wait for a place in `chunked`. */
export const uploadsOf = ({ chunked }: Budgets) => chunked

/** So that one address cannot have all of them. */
export const uploadsPerAddressOf = (budgets: Budgets) =>
  Math.max(1, Math.floor(uploadsOf(budgets) / 10), Math.min(10, Math.floor(uploadsOf(budgets) / 2)))

/**
 * A frontend is crowded from three quarters on. Each address may then take a hundredth of all places, and at least eight,
 * as a browser does, where that leaves room for others.
 */
export function crowdOf(places: number): { from: number; each: number } {
  const from = Math.floor(places * 0.75)
  const few = Math.max(8, Math.floor(places / 100))
  return { from, each: Math.max(1, Math.min(few, Math.floor((places - from) / 4))) }
}

/**
 * Connections to one other region that may stay open without a request: those of all edges together take at most half of
 * that region's places. An edge region has none of its own and supposes as many as it has for writes.
 */
export const idleOf = ({ regions, writes }: Budgets, edges: number) =>
  Math.max(4, Math.floor((regions || writes) / (2 * edges)))
