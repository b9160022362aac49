import { haproxySockets, proxies } from './layout.ts'
import { firstOnly, pickInstance } from './resend.ts'
import { type Line, logErrors, section } from './text.ts'
import type { View } from './view.ts'

/**
 * WebSockets on their way to this region's app. They pass a TCP proxy, which ends a connection a few seconds after one
 * side has closed its half. Many apps do not answer a client's FIN with their own, and HAProxy 3.0 ignores
 * `timeout client-fin` and `timeout server-fin` for HTTP, upgraded connections included: without the TCP proxy, each such
 * connection would keep its place until `edge.webSocketIdleSeconds` have passed.
 */

/** An upgrade to anything but WebSocket has lost its header by now. */
export const noteUpgrade = 'http-request set-var(txn.upgrade) bool(true) if { req.hdr(upgrade) -m found }'
export const isUpgrade = '{ var(txn.upgrade) -m bool }'

/**
 * When no instance takes the connection, the TCP proxy passes it on to `reroute`. That the response then comes from there,
 * with the headers of the region that served it, shows by a word that no app knows.
 */
const viaHeader = 'nearside-via'
export const viaWord = 'set-var proc.via uuid()'
export const signVia: Line = [
  noteUpgrade,
  `http-response set-header ${viaHeader} %[var(proc.via)] if ${isUpgrade}`,
]
export const removeVia = `http-response del-header ${viaHeader} if ${isUpgrade}`

/** In the HTTP part of the file. */
export function socketsBackend(view: View, responseRules: readonly string[]): string | false {
  const { region, responseMs, budgets } = view
  if (!region.full) return false
  return section(
    `backend ${proxies.sockets}`,
    // An app may answer with a page. That connection is not used again.
    'option http-server-close',
    `timeout server ${responseMs}ms`,
    `http-response set-var(txn.via) bool(true) if { res.hdr(${viaHeader}),strcmp(proc.via) eq 0 }`,
    'http-response allow if { var(txn.via) -m bool }',
    [...responseRules],
    `server sockets unix@${haproxySockets.sockets} maxconn ${budgets.sockets}`,
  )
}

/** In the TCP part of the file. */
export function socketsProxy(view: View): string[] {
  const { region, topology, appPorts, budgets } = view
  if (!region.full) return []
  // The HTTP side ends idle ones.
  const idleSeconds = topology.edge.webSocketIdleSeconds + 60
  return [
    section(
      `frontend ${proxies.sockets}`,
      `bind unix@${haproxySockets.sockets} mode 600`,
      `maxconn ${budgets.sockets}`,
      logErrors,
      `timeout client ${idleSeconds}s`,
      'timeout client-fin 5s',
      `default_backend ${proxies.socketsApp}`,
    ),
    section(
      `backend ${proxies.socketsApp}`,
      pickInstance(appPorts.length, proxies.socketsApp, 'tcp-request content'),
      `timeout server ${idleSeconds}s`,
      'timeout server-fin 5s',
      appPorts.map(
        (port, instance) =>
          `server app-${instance} ${region.address}:${port} track ${proxies.app}/app-${instance} ${firstOnly}`,
      ),
      `server reroute unix@${haproxySockets.reroute} backup`,
    ),
  ]
}
