import { tooLarge } from './body.ts'
import { appendProxy, findClient, kept } from './client.ts'
import type { Line } from './text.ts'
import type { View } from './view.ts'

/** Removes what a client must not send, and adds what the app must know about the client. */
export function requestHygiene({ region, maxBodyBytes, topology }: View): Line {
  const { trustedProxies } = topology.edge
  const isTrusted = trustedProxies.length > 0
  return [
    `http-request return status 413 content-type text/plain string "${tooLarge}" if { req.body_size gt ${maxBodyBytes} }`,
    'http-request deny deny_status 405 if { method CONNECT TRACE }',
    // A proxy on the way that knows only HTTP/1.0 would see another end of the body (RFC 9112, 6.1).
    'http-request deny deny_status 400 if { req.ver 1.0 } { req.hdr(transfer-encoding) -m found }',
    // Not every server reads the body of such a method, and the rest would be the next request (as HAProxy's own default).
    'http-request deny deny_status 400 if { req.ver 1.0 } { method GET HEAD DELETE } { req.body_size gt 0 }',
    // First, so that a client cannot name a header that is added below.
    `http-request lua.connection_req if ${namesHeaders('req')}`,
    // Any other upgrade (h2c) would carry requests past these rules.
    'http-request del-header upgrade if { req.hdr(upgrade) -m found } !{ req.hdr(upgrade) -m str -i websocket }',
    'http-request del-header upgrade if { req.hdr(upgrade) -m found } !{ req.hdr(connection) -m str -i upgrade }',
    'http-request del-header connection if { req.hdr(connection) -m sub -i upgrade } !{ req.hdr(upgrade) -m found }',
    isTrusted
      ? [
          findClient(topology),
          `http-request del-header '${forged}' -m reg if !${trusted}`,
          `http-request del-header '^(?!${kept.map((name) => `${name}$`).join('|')})${forged.slice(1)}' -m reg if ${trusted}`,
        ]
      : `http-request del-header '${forged}' -m reg`,
    `http-request add-header nearside-edge ${region.name}`,
    isTrusted ? appendProxy : overwritten,
  ]
}

/** Whether Connection names headers (RFC 9110, 7.6.1), which is rare: then a Lua action (connection.ts) removes them. */
export const namesHeaders = (side: 'req' | 'res') =>
  `{ ${side}.hdr(connection) -m reg -i '^(?!(keep-alive|close|upgrade)$)' }`

const trusted = '{ var(txn.trusted) -m bool }'

/** Beginnings of names: a client sends none of Nearside's own headers, and no header of a proxy on its way here. */
const prefixes = ['nearside', 'x-forwarded', 'x-original-forwarded']

/**
 * Names in which frameworks, their middleware and common recipes look for the client's address, for the host, path or
 * scheme that it asked for, or (`proxy`: CGI, httpoxy) for an outgoing proxy. No browser sends them. They are believed
 * because a proxy is expected to set them, so the edge has to remove them. Headers in which an app of its own accord
 * accepts a statement of its client (`x-http-method-override`, `x-remote-user`) are the app's business.
 */
const names = [
  'forwarded',
  'proxy',
  'x-real-ip',
  'client-ip',
  'x-client-ip',
  'true-client-ip',
  'x-cluster-client-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-originating-ip',
  'x-envoy-external-address',
  'x-azure-clientip',
  'x-appengine-user-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'fastly-client-ip',
  'fly-client-ip',
  'x-proxyuser-ip',
  'x-host',
  'x-original-host',
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
  'x-rewrite-uri',
  'x-scheme',
  'x-url-scheme',
  'x-original-proto',
  'front-end-https',
  'forwarded-for',
  'forwarded-proto',
  'x-forward-for',
  'z-forwarded-for',
  'proxy-client-ip',
  'wl-proxy-client-ip',
  'remote-addr',
  'do-connecting-ip',
  'x-azure-socketip',
  'x-sucuri-clientip',
  'incap-client-ip',
  'x-nf-client-connection-ip',
  'x-vercel-forwarded-for',
  'cdn-src-ip',
  'cdn-real-ip',
  'ali-cdn-real-ip',
  'cloudfront-viewer-address',
  'cloudfront-forwarded-proto',
  'cf-visitor',
  'x-arr-ssl',
  'fastly-ssl',
  'x-real-port',
  'x-proto',
  'x-https',
  'host-override',
  'x-http-host-override',
  'x-backend-host',
  // Next.js and its middleware, which an edge in front may steer with them.
  'x-invoke-path',
  'x-middleware-subrequest',
  // Concern only one connection (RFC 9110, section 7.6.1).
  'keep-alive',
  'proxy-connection',
  'http2-settings',
]

/**
 * HAProxy has names in lower case. CGI-like interfaces do not distinguish `a-b` from `a_b`, and some replace every
 * character that is no letter or digit.
 */
const anySpelling = (name: string) => name.replaceAll('-', '[^a-z0-9]')

const forged = `^(${[...prefixes.map(anySpelling), `(${names.map(anySpelling).join('|')})$`].join('|')})`

/** add-header is cheaper than set-header, and any old ones have just been removed. */
const overwritten: Line = [
  'http-request add-header x-forwarded-for %[src]',
  'http-request add-header x-forwarded-proto http',
  'http-request add-header forwarded for=%[src];proto=http',
]
