import { proxies } from './layout.ts'
import { stopping } from './routes.ts'
import { logErrors, quote, section } from './text.ts'
import { checkMs, upCheckMs, type View } from './view.ts'

/** Bytes of WAL that a replica may be behind before reads go to the primary. */
const maxLag = '64MB'

/** Patroni answers for a leader whose PostgreSQL is down, too. Its words are in the body. */
const running = `http-check expect string ${quote('"state": "running"')}`

/**
 * The PostgreSQL primary: the region whose Patroni says so. Behind 6432, and what decides where writes go, so both
 * change in the same instant.
 *
 * Two servers can be up for a moment (the old primary has not noticed yet): the first in the list is used, and what it
 * cannot commit it does not acknowledge.
 */
export function primaryBackend(view: View): string {
  const { region, topology, dataRegions } = view
  const { ports } = topology
  return section(
    `backend ${proxies.primary}`,
    'balance first',
    'option httpchk GET /primary',
    // The leader's lock alone says little: while PostgreSQL starts or is being promoted, writes had better wait. What
    // is in the body is asked first: a check that ends at the status hangs up on Patroni, which logs every time.
    running,
    `http-check expect string ${quote('"role": "primary"')}`,
    'http-check expect status 200',
    // Connections to a primary that is none any more would write into the void.
    'default-server on-marked-down shutdown-sessions fall 2 rise 1 tcp-ut 5s',
    dataRegions.map((other) => {
      const every =
        other === region
          ? 'inter 250ms fastinter 100ms'
          : `inter ${upCheckMs(region, other)}ms downinter ${checkMs(region, other, 250)}ms fastinter ${checkMs(region, other, 100)}ms`
      return `server ${other.name} ${other.address}:${ports.postgres} source ${region.address} check port ${ports.patroni} ${every}`
    }),
  )
}

/** Reads: the local replica (or the local primary), else the nearest other, else whoever else runs. */
export function replicaBackend(view: View): string | false {
  const { region, topology, remotes } = view
  const { ports } = topology
  if (!region.full) return false
  return section(
    `backend ${proxies.replica}`,
    `option httpchk GET ${quote(`/read-only?lag=${maxLag}`)}`,
    running,
    'http-check expect status 200',
    'default-server tcp-ut 5s',
    // One refused connection is enough: the others can answer a read as well, and waiting readers soon fill an app.
    `server local ${region.address}:${ports.postgres} source ${region.address} check port ${ports.patroni} inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down`,
    remotes.map((other) => {
      return `server ${other.name} ${other.address}:${ports.postgres} source ${region.address} check port ${ports.patroni} inter ${upCheckMs(region, other)}ms fall 2 rise 1 backup`
    }),
  )
}

/**
 * 6432 and 6433. A connection waits while there is nobody to give it to. One that waits in the old worker after a reload
 * comes in once more, to the new one.
 */
export function databaseFrontends({ region, topology, holdMs }: View): string[] {
  if (!region.full) return []
  const endpoint = (backend: string, port: number) => [
    section(
      `frontend database-${backend}`,
      `bind ${region.address}:${port}`,
      logErrors,
      `tcp-request inspect-delay ${holdMs + 5_000}ms`,
      `tcp-request content lua.hold_${backend} if !{ nbsrv(${backend}) gt 0 }`,
      'tcp-request content reject if { var(txn.refused) -m bool }',
      `use_backend ${proxies.newWorker(backend)} if ${stopping}`,
      `default_backend ${backend}`,
    ),
    section(`backend ${proxies.newWorker(backend)}`, `server new-worker ${region.address}:${port}`),
  ]
  return [
    ...endpoint(proxies.primary, topology.ports.databaseWrite),
    ...endpoint(proxies.replica, topology.ports.databaseRead),
  ]
}
