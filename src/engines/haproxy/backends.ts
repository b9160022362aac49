import { appHealthy } from '../app/render.ts'
import { namesHeaders } from './hygiene.ts'
import { haproxySockets, ownPaths, proxies, selfPeer, tables } from './layout.ts'
import { idleOf } from './limits.ts'
import { firstOnly, pickInstance, sentAgain, sentOn, triedHeader, useServer } from './resend.ts'
import { type Line, quote, section } from './text.ts'
import { checkMs, upCheckMs, type View } from './view.ts'

/**
 * A single failed connection marks a server down immediately; its next successful check marks it up. The request that
 * failed goes to another server (`option redispatch 1`), or finally to `reroute`.
 */
export const markDown = 'observe layer4 error-limit 1 on-error mark-down'

/** The kernel detects a dead peer: on an idle connection after 2 s + 3 × 1 s, with data in flight after 5 s. */
const deadPeer: Line = ['option srvtcpka', 'srvtcpka-idle 2s', 'srvtcpka-intvl 1s', 'srvtcpka-cnt 3']

const reroute = `server reroute unix@${haproxySockets.reroute} backup`

/**
 * Without this, HAProxy ends a check by resetting the connection (RST) as soon as it knows the result. Servers that still
 * write then log an error, twice a second.
 */
export const closeProperly = 'http-check connect linger'

/** The app's instances of this region. */
export function appBackend({ region, topology, appPorts }: View): string | false {
  if (!region.full) return false
  const { app, domain } = topology
  return section(
    `backend ${proxies.app}`,
    'option httpchk',
    closeProperly,
    `http-check send meth GET uri ${quote(app.health)} ver HTTP/1.1 hdr host ${domain} hdr user-agent nearside`,
    `http-check expect status ${appHealthy.from}-${appHealthy.to}`,
    'retry-on conn-failure empty-response',
    sentAgain,
    pickInstance(appPorts.length),
    // A rerouted response comes from another region, which has set its own headers.
    'http-response allow if { srv_name reroute }',
    nearsideHeaders(region.name),
    `default-server inter 500ms fastinter 100ms downinter 250ms fall 2 rise 1 ${markDown}`,
    appPorts.map((port, instance) => `server app-${instance} ${region.address}:${port} check ${firstOnly}`),
    reroute,
  )
}

/** Replaces any Nearside headers in a response of this region's app, so that an app cannot forge them. */
export const nearsideHeaders = (name: string): string[] => [
  // First, so that an app cannot name a header that is added below or by another edge.
  `http-response lua.connection_res if ${namesHeaders('res')}`,
  'http-response del-header nearside -m beg',
  // Concerns only the connection between HAProxy and the app.
  'http-response del-header keep-alive',
  `http-response add-header nearside-region ${name}`,
]

/**
 * When no region's app passes its check, this region's app is tried anyway. The check itself may be at fault, and an
 * app that is too busy to answer it still serves some requests.
 */
export function lastResortBackend({ region, appPorts }: View): string | false {
  if (!region.full) return false
  return section(
    `backend ${proxies.lastResort}`,
    'balance leastconn',
    nearsideHeaders(region.name),
    appPorts.map((port, instance) => `server app-${instance} ${region.address}:${port}`),
  )
}

/** `app` without its backup, for the condition that any instance is healthy. Takes no requests. */
export function healthyBackend({ region, appPorts }: View): string | false {
  if (!region.full) return false
  return section(
    `backend ${proxies.appHealth}`,
    appPorts.map(
      (port, instance) =>
        `server app-${instance} ${region.address}:${port} track ${proxies.app}/app-${instance}`,
    ),
  )
}

/**
 * Leads to `last-resort` through `reroute`, where a request is the first on its connection: HAProxy answers it with 502
 * when the app breaks off. See resend.ts.
 */
export function lastResortHop({ region, responseMs }: View): string | false {
  if (!region.full) return false
  return section(
    `backend ${proxies.lastResortHop}`,
    `timeout server ${responseMs + 5_000}ms`,
    `server reroute unix@${haproxySockets.reroute}`,
  )
}

/**
 * Backends that lead to the other regions. They refuse requests that already came from a region. A read is sent again
 * once when its region fails, because a single read cannot have caused that.
 */
export function toRegion(view: View): string[] {
  const { region, topology, remotes, responseMs, holdMs } = view
  return remotes.map((remote) =>
    section(
      `backend ${proxies.to(remote.name)}`,
      'http-request return status 508 if { req.hdr(nearside-hop) -m found }',
      // The other region may hold a write first, and its app then has the full response time.
      `timeout server ${responseMs + holdMs + 5_000}ms`,
      'retry-on conn-failure empty-response',
      sentOn,
      `http-request set-header ${triedHeader} ${remote.name}`,
      useServer(remote.name),
      // Connections are kept open: across a continent, a new one costs a round trip before the request can be sent.
      'http-reuse always',
      deadPeer,
      'option httpchk',
      `http-check send meth GET uri ${ownPaths.ready} ver HTTP/1.1 hdr host ${topology.domain}`,
      'http-check expect status 200',
      `server ${remote.name} ${remote.address}:${topology.ports.region} source ${region.address} check port ${topology.ports.health} inter ${upCheckMs(view, remote)}ms downinter ${checkMs(view, remote, 250)}ms fall 2 rise 1 ${markDown} tcp-ut 5s pool-purge-delay 60s pool-max-conn ${idleOf(view.budgets, view.regions.filter((one) => one.serves).length)} ${firstOnly}`,
      reroute,
    ),
  )
}

/**
 * A client may end its side of the connection after a write and wait for the answer (RFC 9112, 9.6); nobody can tell it
 * from one that has left. HAProxy would answer 400, although the app may have the write. A read can be asked again.
 */
const answerHalfClosed = 'no option abortonclose'

/** Leads to the frontend for writes, with a separate connection per request. */
export function writesBackend({ responseMs, holdMs }: View): string {
  return section(
    `backend ${proxies.writes}`,
    'option http-server-close',
    answerHalfClosed,
    `timeout server ${responseMs + holdMs + 5_000}ms`,
    `server writes unix@${haproxySockets.writes}`,
  )
}

/** Leads to the frontend that measures chunked bodies, with a separate connection per request, as for writes. */
export function chunkedBackend({ responseMs, holdMs }: View): string {
  return section(
    `backend ${proxies.chunked}`,
    'option http-server-close',
    answerHalfClosed,
    `timeout server ${responseMs + holdMs + 10_000}ms`,
    `server chunked unix@${haproxySockets.chunked}`,
  )
}

/** For an edge region when no region can serve. Without a server, HAProxy answers 503 itself. */
export function unavailableBackend({ region }: View): string | false {
  return !region.full && section(`backend ${proxies.unavailable}`)
}

/** Stick-tables. Each needs a proxy of its own name. */
export function tableBackends(): string[] {
  return [
    section(`backend ${tables.served}`, 'stick-table type string len 80 size 1k store gpc(1)'),
    section(`backend ${tables.holding}`, 'stick-table type string len 8 size 100 store conn_cur'),
    section(`backend ${tables.uploading}`, 'stick-table type ipv6 size 20k expire 1h store conn_cur'),
    ...[proxies.users, proxies.sockets, proxies.writes, proxies.regions].map((frontend) =>
      section(`backend ${tables.crowd(frontend)}`, 'stick-table type ipv6 size 20k expire 1h store conn_cur'),
    ),
    section(`backend ${tables.learned}`, `stick-table type integer size 20k expire 10m peers ${selfPeer}`),
    section(`backend ${tables.bypass}`, `stick-table type integer size 20k expire 1m peers ${selfPeer}`),
    section(
      `backend ${tables.changed}`,
      `stick-table type integer size 20k expire 24h store gpt0,gpc0,gpc0_rate(10s) peers ${selfPeer}`,
    ),
  ]
}

/**
 * Passes the learned paths to the new worker on a reload; otherwise it would send every cached page to the app once
 * more before it has learned them again. Counters are not passed on, since they are per worker (see traffic.ts).
 */
export function reloadPeers(): string {
  return section(`peers ${selfPeer}`, `peer ${selfPeer} unix@${haproxySockets.peers}`)
}
