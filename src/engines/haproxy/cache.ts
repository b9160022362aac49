import { maxThreads, varnishSockets } from '../varnish/layout.ts'
import { markDown } from './backends.ts'
import { haproxySockets, ownPaths, proxies, tables } from './layout.ts'
import { stopping } from './routes.ts'
import { isStatic, isWrite } from './rules.ts'
import { type Line, section } from './text.ts'
import { bypassKeys } from './traffic.ts'
import type { View } from './view.ts'

/**
 * Which requests go to the cache, and what HAProxy learns from the responses. Keys are hashes: of host and path for
 * `learned`, so that the query strings of a page share one entry, and of the whole URL for the others.
 */

/** The cache serves GET and HEAD without a body, and no responses that could depend on the user. */
const cacheable =
  '{ method GET HEAD } !{ req.hdr(authorization) -m found } !{ req.hdr(upgrade) -m found } !{ req.body_size gt 0 } !{ req.hdr(transfer-encoding) -m found }'

/**
 * Browsers resolve dot segments before they send a path, and so does a purge. Some apps resolve what other clients send:
 * `/a/../b` would be another stored copy of `/b`, which no purge of `/b` finds.
 */
const isResolved = String.raw`!{ path -m reg -i '(/|\\|%2f|%5c)(\.|%2e){1,2}(/|\\|%2f|%5c|$)' }`

const isPage = '{ var(txn.page) -m found }'
const isBypassed = '{ var(txn.bypass) -m found }'
const isStaticRead = `${isStatic} { var(txn.url) -m found }`
const unsafe = `${isWrite} { status 200:399 }`

/**
 * Sets `txn.page` for a request whose response may be shared if its headers allow that, and `txn.url` for static paths
 * and for pages whose earlier responses allowed shared caching.
 *
 * URLs that the cache could not store lately go directly to the app, and so does everything while Varnish has no thread
 * left for another slow reader: `txn.bypass`.
 */
export const findCached = (pages: boolean): Line => [
  pages &&
    `http-request set-var(txn.page) base,xxh32(1) if ${cacheable} !${isStatic} !{ req.hdr(cookie) -m found } ${isResolved}`,
  `http-request set-var(txn.url) baseq,xxh32(1) if ${isStatic} ${cacheable} ${isResolved}`,
  pages &&
    `http-request set-var(txn.url) baseq,xxh32(1) if ${isPage} { var(txn.page),in_table(${tables.learned}) }`,
  `http-request set-var(txn.bypass) str(${bypassKeys.unstorable}) if { var(txn.url) -m found } { var(txn.url),in_table(${tables.bypass}) }`,
  `http-request set-var(txn.bypass) str(${bypassKeys.noThread}) if { var(txn.url) -m found } !${isBypassed} { srv_conn(${proxies.cdn}/varnish) ge ${maxThreads - 100} }`,
  // A fetch that began before a write may still be stored. When the cache is asked again, it forgets that, too.
  `http-request set-var(txn.bypass) str(-written) if { var(txn.url) -m found } !${isBypassed} { var(txn.url),table_gpc0_rate(${tables.changed}) gt 0 }`,
  // The response is the same for everyone, so it must not depend on cookies, wherever it comes from.
  `http-request del-header cookie if ${isStaticRead}`,
  // Counts them for the agent. Only writes and the cdn backend use this counter otherwise.
  `http-request track-sc5 var(txn.bypass) table ${tables.served} if ${isBypassed}`,
  `http-request sc-inc-gpc(0,5) if ${isBypassed}`,
]

export const useCdn = `use_backend ${proxies.cdn} if { var(txn.url) -m found } !${isBypassed}`

/** Responses of pages that allow shared caching. Varnish decides with the complete rules (freshness.ts). */
export const learnPages: Line = [
  `http-response track-sc2 var(txn.page) table ${tables.learned} if ${isPage} { status 200 203 300 301 308 404 410 } !{ res.hdr(set-cookie) -m found } { res.hdr(cache-control) -m found } { res.fhdr(cache-control) -m reg -i (^|[,\\ ])(max-age|s-maxage)=\\"?0*[1-9] } !{ res.fhdr(cache-control) -m sub -i private no-store no-cache }`,
  `http-response track-sc2 var(txn.page) table ${tables.learned} if ${isPage} { status 200 203 300 301 308 404 410 } !{ res.hdr(set-cookie) -m found } { res.hdr(cdn-cache-control) -m found } { res.fhdr(cdn-cache-control) -m reg -i (^|[,\\ ])(max-age|s-maxage)=\\"?0*[1-9] }`,
]

/** A cookie of a server that saw no session would end the user's. */
export const dropCookies = `http-response del-header set-cookie if ${isStaticRead}`

/**
 * After a write, cached responses of its URL and of the URLs in Location and Content-Location are not used again (RFC
 * 9111, section 4.4), at the edge that the write came through. For ten seconds,
 * reads go directly to the app. The next one removes all variants from the cache and fetches anew.
 */
export function noteChanges(): { request: Line; response: Line } {
  const mark = (counter: number, key: string, condition: string) => [
    `http-response track-sc${counter} ${key} table ${tables.changed} if ${condition}`,
    `http-response sc-set-gpt0(${counter}) 1 if ${condition}`,
    `http-response sc-inc-gpc0(${counter}) if ${condition}`,
  ]
  const named = (header: string, counter: number) => {
    const condition = `${unsafe} { res.hdr(${header}) -m found }`
    return [
      `http-response set-var(txn.at) 'res.hdr(${header}),regsub("^https?://","",i),field(1,#)' if ${condition}`,
      `http-response set-var-fmt(txn.at) %[var(txn.host)]%[var(txn.at)] if ${condition} { res.hdr(${header}) -m beg / }`,
      mark(counter, 'var(txn.at),xxh32(1)', condition),
    ]
  }
  return {
    request: [
      `http-request set-var(txn.written) baseq,xxh32(1) if ${isWrite}`,
      `http-request set-var(txn.host) req.hdr(host) if ${isWrite}`,
    ],
    response: [mark(3, 'var(txn.written)', unsafe), named('content-location', 4), named('location', 5)],
  }
}

/** Longer than bans are repeated after a purge. */
const settledSeconds = 120

const keep = '{ var(txn.keep) -m bool }'
const changed = '{ var(txn.changed) -m bool }'

/** The CDN cache: HAProxy's memory for small immutable objects, then Varnish, or the origin when Varnish is down. */
export function cdnBackend({ region, responseMs }: View): string {
  return section(
    `backend ${proxies.cdn}`,
    `timeout server ${responseMs + 5_000}ms`,
    `http-request set-var(txn.changed) bool(true) if { var(txn.url),in_table(${tables.changed}) } { var(txn.url),table_gpt0(${tables.changed}) gt 0 }`,
    `http-request track-sc3 var(txn.url) table ${tables.changed} if ${changed}`,
    `http-request sc-set-gpt0(3) 0 if ${changed}`,
    `http-request set-header nearside-refresh 1 if ${changed}`,
    // HAProxy's memory knows no ranges and forgets nothing: not what was written to, and in an old worker after a reload
    // not what was purged.
    `http-request cache-use immutable if ${isStatic} !{ req.hdr(range) -m found } !{ var(txn.url),in_table(${tables.changed}) } !${stopping}`,
    `http-request set-header nearside-static 1 if ${isStatic}`,
    'option httpchk',
    `http-check send meth GET uri ${ownPaths.alive} ver HTTP/1.1 hdr host localhost`,
    // A Varnish that hangs is noticed within 2.6 s. Being wrong costs little: the app answers for a moment.
    'timeout check 1s',
    // Only reads come here. A kept connection may lead to a Varnish that has just crashed, as may that of the first
    // retry. After that, Varnish is marked down.
    'retry-on conn-failure empty-response',
    `server varnish unix@${varnishSockets.http} check inter 500ms fastinter 100ms fall 2 rise 1 ${markDown}`,
    `server origin unix@${haproxySockets.origin} backup`,
    '',
    // A hit in memory is sent exactly as it was stored.
    'http-response set-var(txn.cache) str(hit) if { res.cache_hit }',
    'http-response set-var(txn.class) str(cache) if { res.cache_hit }',
    'http-response allow if { res.cache_hit }',
    '',
    'http-response set-var(txn.cache) res.hdr(nearside-cache)',
    'http-response del-header nearside-cache',
    `http-response track-sc4 var(txn.url) table ${tables.bypass} if { var(txn.cache) -m str pass pipe } !{ status ge 400 }`,
    `http-response add-header cache-status 'nearside-${region.name}; fwd=bypass' if { var(txn.cache) -m str pipe }`,
    'http-response set-var(txn.class) str(cache) if { var(txn.cache) -m str hit stale }',
    `http-response set-header nearside-region ${region.name} if { var(txn.cache) -m str hit stale }`,
    '',
    // The object is stored with the headers of a hit. Afterwards, this response gets its own headers back. Only what
    // Varnish has kept for a while: a purge reaches fetches under way for a minute (control.ts), and the memory knows
    // neither purges nor targeted cache control.
    `http-response set-var(txn.keep) bool(true) if ${isStatic} { status 200 } { var(txn.cache) -m str hit } { res.hdr_val(age) ge ${settledSeconds} } { res.hdr(cache-control) -m sub -i immutable } !{ res.hdr(cdn-cache-control) -m found } !{ res.hdr(surrogate-control) -m found }`,
    `http-response set-var(txn.region) res.hdr(nearside-region) if ${keep}`,
    `http-response set-var(txn.cache_status) res.fhdr(cache-status) if ${keep}`,
    `http-response del-header server-timing if ${keep}`,
    `http-response set-header nearside-region ${region.name} if ${keep}`,
    `http-response set-header cache-status 'nearside-${region.name}; hit; detail=memory' if ${keep}`,
    `http-response cache-store immutable if ${keep}`,
    `http-response set-header nearside-region %[var(txn.region)] if ${keep}`,
    `http-response del-header cache-status if ${keep}`,
    `http-response set-header cache-status %[var(txn.cache_status)] if ${keep} { var(txn.cache_status) -m found }`,
  )
}

/** Varnish marks its pipes. The cdn backend learns from the mark of the response. */
export const markPipes: Line = [
  'http-request set-var(txn.pipe) bool(true) if { req.hdr(nearside-pipe) -m found }',
  'http-request del-header nearside-pipe',
  'http-response set-header nearside-cache pipe if { var(txn.pipe) -m bool }',
]

/** The URL was not sent to the cache, although its path is cached. */
export const showBypass = (region: string) =>
  `http-response add-header cache-status 'nearside-${region}; fwd=bypass' if ${isBypassed}`
