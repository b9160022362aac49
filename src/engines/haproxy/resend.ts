import { proxies } from './layout.ts'
import type { Line } from './text.ts'

/**
 * How often a request is sent to an app.
 *
 * When a server breaks off without an answer, HAProxy answers 502 only to the first request of a client connection. It
 * closes the connection of a later one silently, so that the client sends the request again. So a later read is sent
 * once more, by way of `reroute`, where each request is the first on its connection. This also covers an app that
 * closes an idle connection in the moment when HAProxy uses it. Nothing is sent a third time: a request that crashes an
 * instance can crash two.
 */

/** Set when a request goes to another region after it may have been sent before. */
export const resentHeader = 'nearside-resent'

/** The region to which a request is sent. When it comes back to `reroute`, another region is better. */
export const triedHeader = 'nearside-tried'

const isReplayable = '{ var(txn.replayable) -m bool }'

/**
 * A request that has passed `reroute`, here or in the region that it came from, may have been sent before. A write with
 * an idempotency key may be sent any number of times; `reroute` limits it.
 */
const neverTwice: Line = [
  `http-request disable-l7-retry if { req.hdr(nearside-reroute) -m found } !${isReplayable}`,
  `http-request disable-l7-retry if { req.hdr(${resentHeader}) -m found } !${isReplayable}`,
]

/**
 * Writes are always the first on their connection (see `writesFrontend`), so they are sent once, unless the app can
 * recognise a duplicate. A first read is sent on a new connection and gets its 502, so HAProxy need not keep a copy.
 */
export const sentAgain: Line = [
  `http-request disable-l7-retry if { http_first_req } !${isReplayable}`,
  neverTwice,
]

/**
 * On the way to another region. A request often comes from `reroute` because the app here has just gone and refused the
 * connection, so it has not been sent yet. Only if an app here broke off, no other is left, and then the other region
 * goes away, is a read sent a third time.
 */
export const sentOn: Line = [
  `http-request disable-l7-retry if { req.hdr_cnt(nearside-reroute) ge 2 } !${isReplayable}`,
  `http-request disable-l7-retry if { req.hdr(${resentHeader}) -m found } !${isReplayable}`,
]

/**
 * For servers that only `use-server` chooses, which HAProxy applies to a request's first attempt. Without a weight they
 * take no part in load balancing, so each further attempt goes to the backup, `reroute`.
 */
export const firstOnly = 'weight 0'

/** HAProxy requires a condition. */
export const useServer = (name: string) => `use-server ${name} if TRUE`

/**
 * Chooses an instance for the first attempt: a random one that has at most the mean number of connections, which for two
 * instances is the one with fewer. HAProxy skips instances that are down.
 */
export function pickInstance(
  instances: number,
  proxy: string = proxies.app,
  rule: 'http-request' | 'tcp-request content' = 'http-request',
): Line {
  const all = Array.from({ length: instances }, (_, instance) => instance)
  if (instances === 1) return useServer('app-0')
  const isNotAboveMean = (instance: number) => `{ srv_conn(${proxy}/app-${instance}),sub(txn.mean) le 0 }`
  return [
    `${rule} set-var(txn.mean) be_conn,div(${instances})`,
    // The first of n is taken with probability 1/n, otherwise the next of n - 1, and so on: all with the same.
    all.map(
      (instance) =>
        `use-server app-${instance} if { rand(${instances - instance}) 0 } ${isNotAboveMean(instance)}`,
    ),
    all.map((instance) => `use-server app-${instance} if ${isNotAboveMean(instance)}`),
    all.map((instance) => useServer(`app-${instance}`)),
  ]
}
