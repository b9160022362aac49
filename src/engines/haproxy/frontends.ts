import { bodyVariables } from './body.ts'
import { dropCookies, findCached, learnPages, markPipes, noteChanges, showBypass, useCdn } from './cache.ts'
import { crowdOfHop, crowdOfSockets, crowdOfUsers } from './crowd.ts'
import { heldHeader } from './hold.ts'
import { requestHygiene } from './hygiene.ts'
import { haproxySockets, neverSent, ownPaths, proxies, tables } from './layout.ts'
import { heldOf } from './limits.ts'
import { trafficLogFormat } from './log.ts'
import { resentHeader, triedHeader } from './resend.ts'
import { appHealthy, primaryAt, reachable, readRoutes, stopping, writeRoutes } from './routes.ts'
import { isWrite, staticRules, writeRules } from './rules.ts'
import { isUpgrade, noteUpgrade, removeVia, signVia } from './sockets.ts'
import { type Line, logErrors, section } from './text.ts'
import { closeUnread, limitUploads, limitUploadsOfRegions } from './uploads.ts'
import type { View } from './view.ts'

const noPrimary = `!{ nbsrv(${proxies.primary}) gt 0 }`
const hasHopped = '{ req.hdr(nearside-hop) -m found }'
const isOwn = `{ path_beg ${ownPaths.all} }`

/** Users, on 8080. */
export function usersFrontend(view: View): string {
  const { region, topology } = view
  const { ports } = topology
  const changes = noteChanges()
  return section(
    `frontend ${proxies.users}`,
    // HTTP/2 without TLS would bypass the rules for HTTP/1 bodies and trailers; browsers do not use it.
    `bind ${region.address}:${ports.http} proto h1`,
    `maxconn ${view.budgets.users}`,
    // The kernel notices a client that has vanished: otherwise its WebSocket would keep its place until it is idle for
    // too long.
    'option clitcpka',
    'clitcpka-idle 60s',
    'clitcpka-intvl 10s',
    'clitcpka-cnt 3',
    crowdOfUsers(view.budgets, topology),
    logErrors,
    `log ${region.address}:${ports.agent} format raw local0`,
    `log-format ${trafficLogFormat(region.name)}`,
    logSampling,
    '',
    requestHygiene(view),
    '',
    limitUploads(view),
    '',
    writeRules(topology),
    staticRules(topology),
    findCached(topology.cdn.pages),
    changes.request,
    noteUpgrade,
    region.full && crowdOfSockets(view.budgets, topology),
    '',
    `use_backend ${proxies.own} if ${isOwn}`,
    `use_backend ${proxies.chunked} if { req.hdr(transfer-encoding) -m found }`,
    `use_backend ${proxies.writes} if ${isWrite}`,
    region.full && `use_backend ${proxies.sockets} if ${isUpgrade} ${appHealthy}`,
    useCdn,
    readRoutes(view),
    '',
    removeVia,
    topology.cdn.pages && learnPages,
    changes.response,
    showBypass(region.name),
    dropCookies,
    `http-response set-var(txn.class) str(hold) if ${isWrite} { res.hdr(${heldHeader}) -m found }`,
    'http-response set-var(txn.served) res.hdr(nearside-region)',
    `http-response track-sc0 var(txn.served),concat(" ",txn.class) table ${tables.served} if { var(txn.served) -m found }`,
    'http-response sc-inc-gpc(0,0)',
    `http-response add-header server-timing 'edge;desc="${region.name}";dur=%[res.timer.hdr]'`,
    `http-after-response add-header nearside-edge ${region.name}`,
    closeUnread,
  )
}

/**
 * Other regions, on 8081. Serves only from this region's app: it sets a header that the backends to other regions
 * refuse (see `toRegion`), so no request is forwarded twice.
 */
export function regionsFrontend(view: View): string | false {
  const { region, regions, topology } = view
  if (!region.full) return false
  const senders = regions.filter((other) => other.serves).map((other) => other.address)
  return section(
    `frontend ${proxies.regions}`,
    `bind ${region.address}:${topology.ports.region}`,
    `maxconn ${view.budgets.regions}`,
    logErrors,
    // Before a byte is read, so that strangers take none of the connections above.
    `tcp-request connection reject if !{ src ${senders.join(' ')} }`,
    // Longer than the other side keeps an idle connection (pool-purge-delay), so the other side closes it.
    'timeout http-keep-alive 10m',
    `timeout client ${view.hopMs}ms`,
    crowdOfHop('regions', view.budgets, topology),
    limitUploadsOfRegions(view),
    'http-request set-header nearside-hop 1',
    `http-request set-header ${resentHeader} 1 if { req.hdr(nearside-reroute) -m found }`,
    'http-request del-header nearside-reroute',
    `http-request del-header ${triedHeader}`,
    writeRules(topology),
    noteUpgrade,
    removeVia,
    `use_backend ${proxies.ownRegion} if ${isOwn}`,
    `use_backend ${proxies.writes} if ${isWrite}`,
    `use_backend ${proxies.sockets} if ${isUpgrade} ${appHealthy}`,
    `default_backend ${proxies.app}`,
    `http-response add-header server-timing 'region;desc="${region.name}";dur=%[res.timer.hdr]'`,
    closeUnread,
  )
}

/**
 * Writes from `users` and `regions`, each on its own connection. When a second or later request on a client connection
 * gets no answer from the server, HAProxy closes the connection silently, to let the client resend it. Browsers do so,
 * which must not happen to a write. The first request on a connection gets a 502 instead.
 */
export function writesFrontend(view: View): string {
  return section(
    `frontend ${proxies.writes}`,
    `bind unix@${haproxySockets.writes} mode 600`,
    `maxconn ${view.budgets.writes}`,
    logErrors,
    `timeout client ${view.hopMs}ms`,
    crowdOfHop('writes', view.budgets, view.topology),
    // A write that may have reached an app is not sent again, unless the app can recognise the duplicate.
    'http-request set-var(txn.replayable) bool(true) if { req.hdr(idempotency-key) -m found }',
    'http-request disable-l7-retry if !{ var(txn.replayable) -m bool }',
    view.remotes.map(
      ({ name }) => `http-request lua.hold_doubt if ${primaryAt(name)} !${reachable(name)} !${hasHopped}`,
    ),
    holdWrites(view),
    // In an old worker this leads to the new one, which has taken over the socket.
    `use_backend ${proxies.writes} if ${stopping}`,
    view.region.full && `use_backend ${proxies.app} if ${hasHopped}`,
    writeRoutes(view),
    // An existing header comes from the last edge that held the request, and has the total.
    `http-response set-header ${heldHeader} %[var(txn.held)] if { var(txn.held) -m found } !{ res.hdr(${heldHeader}) -m found }`,
  )
}

/**
 * The target of the `backup` server in other backends. A request comes here when the server that it was routed to was
 * gone or broke off, and is routed again by the present state, at most three times.
 */
export function rerouteFrontend(view: View): string {
  return section(
    `frontend ${proxies.reroute}`,
    `bind unix@${haproxySockets.reroute} mode 600`,
    `maxconn ${view.budgets.reroute}`,
    logErrors,
    `timeout client ${view.hopMs}ms`,
    // Each request is the first on its connection (see resend.ts).
    'option httpclose',
    'http-request deny deny_status 503 if { req.hdr_cnt(nearside-reroute) ge 3 }',
    'http-request add-header nearside-reroute 1',
    signVia,
    writeRules(view.topology),
    view.region.full && [
      `http-request lua.hold_app if ${hasHopped} !${appHealthy} { req.hdr_cnt(nearside-reroute) 1 }`,
      `use_backend ${proxies.app} if ${hasHopped} ${appHealthy}`,
      `use_backend ${proxies.lastResort} if ${hasHopped}`,
    ],
    `use_backend ${proxies.writes} if ${isWrite}`,
    view.region.full && `use_backend ${proxies.app} if ${appHealthy}`,
    view.remotes.map(
      ({ name }) =>
        `use_backend ${proxies.to(name)} if ${reachable(name)} !{ req.hdr(${triedHeader}) ${name} }`,
    ),
    readRoutes(view, proxies.lastResort),
  )
}

/** Chunked requests from `users`: measures their bodies while they stream, then routes them like any other request. */
export function chunkedFrontend(view: View): string {
  return section(
    `frontend ${proxies.chunked}`,
    `bind unix@${haproxySockets.chunked} mode 600`,
    `maxconn ${view.budgets.chunked}`,
    logErrors,
    `timeout client ${view.hopMs}ms`,
    'filter lua.body',
    // HAProxy's only status for a body that the filter refuses is 400.
    `http-error status 400 content-type text/plain lf-string "%[var(${bodyVariables.refusal})]"`,
    `http-request set-var(${bodyVariables.refusal}) str("The request is malformed.")`,
    writeRules(view.topology),
    `use_backend ${proxies.writes} if ${isWrite}`,
    readRoutes(view),
    `http-after-response set-status 413 if { var(${bodyVariables.tooLarge}) -m bool }`,
    // Any client can cause one.
    `http-after-response set-log-level silent if { var(${bodyVariables.refused}) -m bool }`,
  )
}

/** Varnish's origin: reads, routed like any other read. */
export function originFrontend(view: View): string {
  return section(
    `frontend ${proxies.origin}`,
    `bind unix@${haproxySockets.origin} mode 600`,
    `maxconn ${view.budgets.origin}`,
    logErrors,
    `timeout client ${view.hopMs}ms`,
    'timeout http-keep-alive 10m',
    'filter lua.fetch',
    // These headers are only for the hop between HAProxy and Varnish.
    'http-request del-header nearside-static',
    'http-request del-header nearside-stale',
    'http-request del-header nearside-purges',
    markPipes,
    `use_backend ${proxies.ownOrigin} if ${isOwn}`,
    readRoutes(view),
  )
}

/** Logs every request up to 100 per second, and one in 16 beyond. The weight in the line keeps histograms correct. */
const logSampling: Line = [
  'http-request set-var(txn.weight) int(16) if { fe_req_rate gt 100 }',
  'http-request set-log-level silent if { var(txn.weight) -m found } { rand(16) gt 0 }',
]

/** Holds writes while there is no primary. */
const holdWrites = ({ budgets }: View): Line => [
  `http-request track-sc1 str(hold) table ${tables.holding} if ${noPrimary}`,
  `http-request return status 503 content-type text/plain string "${neverSent.tooMany}" hdr retry-after 5 if ${noPrimary} { sc1_conn_cur(${tables.holding}) gt ${heldOf(budgets)} }`,
  `http-request lua.hold if ${noPrimary}`,
  `http-request return status 503 content-type text/plain string "${neverSent.noPrimary}" hdr retry-after 5 if { var(txn.refused) -m bool }`,
]
