import { varnishSockets } from '../varnish/layout.ts'
import { haproxySockets, ownPaths, proxies, selfPeer, tables } from './layout.ts'
import { type Line, quote, section } from './text.ts'
import { checkMs, upCheckMs, type View } from './view.ts'

/**
 * One failed connection takes a server out at once; its next good check brings it back. The request that found out
 * goes to another server (`option redispatch 1`), in the end to `again`.
 */
const markDown = 'observe layer4 error-limit 1 on-error mark-down'

/** Idle connections to a host that is gone are noticed by the kernel: 2 s + 3 x 1 s, sent data after 5 s. */
const deadPeer: Line = ['option srvtcpka', 'srvtcpka-idle 2s', 'srvtcpka-intvl 1s', 'srvtcpka-cnt 3']

const again = `server again unix@${haproxySockets.again} backup`

/**
 * What has reached an instance is not sent to another: it may be what ended the first one. HAProxy then need not keep a
 * copy of each request either, which is a third of the cost of proxying a small one.
 */
const sentOnce = 'http-request disable-l7-retry if !{ var(txn.replayable) -m bool }'

/** The app's instances of this region. */
export function appBackend({ region, topology, appPorts }: View): string | false {
  if (!region.full) return false
  const { app, domain } = topology
  return section(
    `backend ${proxies.app}`,
    'balance leastconn',
    'option httpchk',
    `http-check send meth GET uri ${quote(app.health)} ver HTTP/1.1 hdr host ${domain} hdr user-agent nearside`,
    'http-check expect status 200-299',
    'retry-on conn-failure empty-response',
    sentOnce,
    // It comes from another region, which has said what is to be said.
    'http-response allow if { srv_name again }',
    sayRegion(region.name),
    `default-server inter 500ms fastinter 100ms downinter 250ms fall 2 rise 1 ${markDown}`,
    appPorts.map((port, instance) => `server app-${instance} ${region.address}:${port} check`),
    again,
  )
}

/** What a response of this region's app says; nobody but HAProxy speaks for Nearside. */
const sayRegion = (name: string): Line => [
  'http-response del-header nearside -m beg',
  // Of the connection between HAProxy and the app.
  'http-response del-header keep-alive',
  `http-response add-header nearside-region ${name}`,
]

/**
 * When nobody anywhere says that it is healthy, this region's app is tried all the same: what fails may be the check, and
 * an app that is too busy to answer it still serves some.
 */
export function lastBackend({ region, appPorts }: View): string | false {
  if (!region.full) return false
  return section(
    `backend ${proxies.last}`,
    'balance leastconn',
    sayRegion(region.name),
    appPorts.map((port, instance) => `server app-${instance} ${region.address}:${port}`),
  )
}

/** Whether the app is healthy at all: `app` without its backup. No request comes here. */
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
 * The way to another region. A request that came from a region does not pass. A read whose region goes away under it is
 * sent again: that was not the read's doing.
 */
export function toRegion(view: View): string[] {
  const { region, topology, remotes, responseMs, holdMs } = view
  return remotes.map((remote) =>
    section(
      `backend ${proxies.to(remote.name)}`,
      'http-request return status 508 if { req.hdr(nearside-hop) -m found }',
      // The other side may hold a write before its app has its own time.
      `timeout server ${responseMs + holdMs + 5_000}ms`,
      'retry-on conn-failure empty-response',
      // Kept open: across a continent a new connection costs a round trip before the request can leave.
      'http-reuse always',
      deadPeer,
      'option httpchk',
      `http-check send meth GET uri ${ownPaths.ready} ver HTTP/1.1 hdr host ${topology.domain}`,
      'http-check expect status 200',
      `server ${remote.name} ${remote.address}:${topology.ports.region} source ${region.address} check inter ${upCheckMs(region, remote)}ms downinter ${checkMs(region, remote, 250)}ms fall 2 rise 1 ${markDown} tcp-ut 5s pool-purge-delay 60s`,
      again,
    ),
  )
}

/** To the frontend for writes, each on a connection of its own. */
export function writesBackend({ responseMs, holdMs }: View): string {
  return section(
    `backend ${proxies.writes}`,
    'option http-server-close',
    `timeout server ${responseMs + holdMs + 5_000}ms`,
    `server writes unix@${haproxySockets.writes}`,
  )
}

/** To the frontend that measures. */
export function chunkedBackend({ responseMs, holdMs }: View): string {
  return section(
    `backend ${proxies.chunked}`,
    `timeout server ${responseMs + holdMs + 10_000}ms`,
    `server chunked unix@${haproxySockets.chunked}`,
  )
}

const keep = '{ var(txn.keep) -m bool }'

/** The CDN cache: HAProxy's own for small immutable objects, then Varnish, and straight on when Varnish is down. */
export function cdnBackend({ region, responseMs }: View): string {
  return section(
    `backend ${proxies.cdn}`,
    `timeout server ${responseMs + 5_000}ms`,
    'http-request cache-use immutable if { var(txn.static) -m bool }',
    'http-request set-header nearside-static 1 if { var(txn.static) -m bool }',
    'option httpchk',
    `http-check send meth GET uri ${ownPaths.alive} ver HTTP/1.1 hdr host localhost`,
    // Reads: a kept connection may lead to a Varnish that has just died, and so may the next; then it is known to be down.
    'retry-on conn-failure empty-response',
    `server varnish unix@${varnishSockets.http} check inter 500ms fastinter 100ms fall 2 rise 1 ${markDown}`,
    `server origin unix@${haproxySockets.origin} backup`,
    '',
    // From memory: it was stored as it is to be sent.
    'http-response set-var(txn.cache) str(hit) if { res.cache_hit }',
    'http-response set-var(txn.class) str(cache) if { res.cache_hit }',
    'http-response allow if { res.cache_hit }',
    '',
    'http-response set-var(txn.cache) res.hdr(nearside-cache)',
    'http-response del-header nearside-cache',
    'http-response set-var(txn.class) str(cache) if { var(txn.cache) -m str hit stale }',
    `http-response set-header nearside-region ${region.name} if { var(txn.cache) -m str hit stale }`,
    '',
    // Stored with the headers of a hit; whoever waits for it gets its own ones back.
    `http-response set-var(txn.keep) bool(true) if { var(txn.static) -m bool } { res.hdr(cache-control) -m sub -i immutable } !{ res.hdr(set-cookie) -m found }`,
    `http-response set-var(txn.region) res.hdr(nearside-region) if ${keep}`,
    `http-response set-var(txn.said) res.fhdr(cache-status) if ${keep}`,
    `http-response del-header server-timing if ${keep}`,
    `http-response set-header nearside-region ${region.name} if ${keep}`,
    `http-response set-header cache-status 'nearside-${region.name}; hit; detail=memory' if ${keep}`,
    `http-response cache-store immutable if ${keep}`,
    `http-response set-header nearside-region %[var(txn.region)] if ${keep}`,
    `http-response del-header cache-status if ${keep}`,
    `http-response set-header cache-status %[var(txn.said)] if ${keep} { var(txn.said) -m found }`,
  )
}

/** An edge without an app, and nobody can serve: HAProxy answers 503 itself. */
export function nobodyBackend({ region }: View): string | false {
  return !region.full && section(`backend ${proxies.nobody}`)
}

/** Tables; each needs a proxy of its name. */
export function tableBackends(): string[] {
  return [
    section(`backend ${tables.served}`, 'stick-table type string len 80 size 1k store gpc(1)'),
    section(`backend ${tables.holding}`, 'stick-table type string len 8 size 100 store conn_cur'),
    section(`backend ${tables.learned}`, `stick-table type integer size 20k expire 10m peers ${selfPeer}`),
  ]
}

/**
 * Through a reload what was learned is kept: a new worker that had to learn anew would send every cached page to the app
 * once. Counts are not handed on: they are the worker's own (see traffic.ts).
 */
export function reloadPeers(): string {
  return section(`peers ${selfPeer}`, `peer ${selfPeer} unix@${haproxySockets.peers}`)
}
