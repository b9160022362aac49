import { databaseClients } from '../context.ts'
import { closeProperly } from './backends.ts'
import { proxies } from './layout.ts'
import { stopping } from './routes.ts'
import { logErrors, quote, section } from './text.ts'
import { checkMs, upCheckMs, type View } from './view.ts'

/** WAL that a replica may be behind before its region's reads go to another database. */
const maxLag = '64MB'

/** Patroni also answers 200 for a leader whose PostgreSQL is down; only the body shows the state. */
const running = `http-check expect string ${quote('"state": "running"')}`

/**
 * The PostgreSQL primary: the region whose Patroni reports it. This backend serves port 6432 and also determines the
 * route of writes, so both change at the same instant.
 *
 * Two servers can be up for a moment, while the old primary has not noticed the failover. The first in the list is
 * used; if it cannot commit a write, it does not acknowledge it either.
 */
export function primaryBackend(view: View): string {
  const { region, topology, dataRegions } = view
  const { ports } = topology
  return section(
    `backend ${proxies.primary}`,
    'balance first',
    'option httpchk',
    closeProperly,
    'http-check send meth GET uri /primary',
    // The leader lock alone is not enough: writes must wait while PostgreSQL starts or is being promoted. The body is
    // checked first, because a check that fails on the status closes the connection early, which Patroni logs every
    // time.
    running,
    `http-check expect string ${quote('"role": "primary"')}`,
    'http-check expect status 200',
    // Sessions on a former primary must end: their writes would be lost.
    'default-server on-marked-down shutdown-sessions fall 2 rise 1 tcp-ut 5s',
    dataRegions.map((other) => {
      const every =
        other === region
          ? 'inter 250ms fastinter 100ms'
          : `inter ${upCheckMs(view, other)}ms downinter ${checkMs(view, other, 250)}ms fastinter ${checkMs(view, other, 100)}ms`
      return `server ${other.name} ${other.address}:${ports.postgres} source ${region.address} check port ${ports.patroni} ${every}`
    }),
  )
}

/** Reads: the local database, whether replica or primary, otherwise the nearest one that is up. */
export function replicaBackend(view: View): string | false {
  const { region, topology, remotes } = view
  const { ports } = topology
  if (!region.full) return false
  return section(
    `backend ${proxies.replica}`,
    'option httpchk',
    closeProperly,
    `http-check send meth GET uri ${quote(`/read-only?lag=${maxLag}`)}`,
    running,
    'http-check expect status 200',
    'default-server tcp-ut 5s',
    // A single refused connection marks it down: the others can answer reads as well, and waiting readers soon use up
    // the app's connections.
    `server local ${region.address}:${ports.postgres} source ${region.address} check port ${ports.patroni} inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down`,
    remotes.map((other) => {
      return `server ${other.name} ${other.address}:${ports.postgres} source ${region.address} check port ${ports.patroni} inter ${upCheckMs(view, other)}ms fall 2 rise 1 backup`
    }),
  )
}

/**
 * Ports 6432 and 6433. A connection waits while there is no database for it. One that waits in the old worker after a
 * reload is passed to the new one.
 */
export function databaseFrontends({ region, regions, topology, holdMs, budgets }: View): string[] {
  if (!region.full) return []
  // On one machine the operator's commands connect too, from any address of the world's network: a drill in a lab.
  const clients = [
    ...databaseClients(regions),
    ...(topology.network.base.startsWith('127.') ? [] : [`${topology.network.base}.0.0/16`]),
  ]
  const endpoint = (backend: string, port: number, budget: number) => [
    section(
      `frontend ${proxies.database(backend)}`,
      `bind ${region.address}:${port}`,
      `maxconn ${budget}`,
      logErrors,
      // PostgreSQL sees HAProxy's address, so its own list of clients (pg_hba) refuses nobody here. A stranger must not
      // take the app's connections either.
      `tcp-request connection reject if !{ src ${clients.join(' ')} }`,
      `tcp-request inspect-delay ${holdMs + 5_000}ms`,
      `tcp-request content lua.hold_${backend} if !{ nbsrv(${backend}) gt 0 }`,
      'tcp-request content reject if { var(txn.refused) -m bool }',
      `use_backend ${proxies.newWorker(backend)} if ${stopping}`,
      `default_backend ${backend}`,
    ),
    section(`backend ${proxies.newWorker(backend)}`, `server new-worker ${region.address}:${port}`),
  ]
  return [
    ...endpoint(proxies.primary, topology.ports.databaseWrite, budgets.databaseWrite),
    ...endpoint(proxies.replica, topology.ports.databaseRead, budgets.databaseRead),
  ]
}
