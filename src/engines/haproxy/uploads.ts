import { clientAddress, countedBy } from './client.ts'
import { tables } from './layout.ts'
import { crowdOf, uploadsOf, uploadsPerAddressOf } from './limits.ts'
import type { Line } from './text.ts'
import type { View } from './view.ts'

/**
 * Requests whose body is still arriving when they are routed: more than a buffer (16 kB), or of unknown length. Nothing
 * makes a client send the rest, so they may take a part of the connections only: requests that are complete, such as
 * almost every write, always find one.
 */
const unread = '{ var(txn.unread) -m bool }'

/**
 * Waits for the body, or for a buffer full of it, before the request takes a connection of the next frontend. HAProxy
 * would answer `Expect: 100-continue` itself, although the app may want to refuse the body.
 */
const waitForBody = ({ clientMs }: View) =>
  `http-request wait-for-body time ${clientMs}ms if { req.body_size gt 0 } !{ req.hdr(transfer-encoding) -m found } !{ req.hdr(expect) -m found }`

/** `req.body_size` is the stated length, `req.body_len` the part that has arrived. */
const noteUnread: Line = [
  'http-request set-var(txn.arrived) req.body_len if { req.body_size gt 0 }',
  'http-request set-var(txn.unread) bool(true) if { var(txn.arrived) -m found } !{ req.body_size,sub(txn.arrived) eq 0 }',
  'http-request set-var(txn.unread) bool(true) if { req.hdr(transfer-encoding) -m found }',
]

const countAll = `http-request track-sc1 str(upload) table ${tables.holding} if ${unread}`

const refuseBeyond = (most: number) =>
  `http-request return status 503 content-type text/plain string "Too many uploads are under way." hdr retry-after 5 if ${unread} { sc1_conn_cur gt ${most} }`

/** From users: in total, and from one address (IPv6: network of 64 bits), which gets fewer while there are many. */
export function limitUploads(view: View): Line {
  const most = uploadsOf(view.budgets)
  const { from, each } = crowdOf(most)
  const tooMany = `http-request return status 429 content-type text/plain string "Too many uploads from your address are under way." hdr retry-after 5 if ${unread}`
  return [
    waitForBody(view),
    noteUnread,
    `http-request track-sc6 ${countedBy(clientAddress(view.topology))} table ${tables.uploading} if ${unread}`,
    `${tooMany} { sc_conn_cur(6) gt ${uploadsPerAddressOf(view.budgets)} }`,
    countAll,
    `${tooMany} { sc1_conn_cur gt ${from} } { sc_conn_cur(6) gt ${each} }`,
    refuseBeyond(most),
  ]
}

/** From other regions, of all edges together. */
export function limitUploadsOfRegions(view: View): Line {
  return [waitForBody(view), noteUnread, countAll, refuseBeyond(Math.floor(view.budgets.regions / 2))]
}

/**
 * An answer may come before the request body has: the app refuses an upload and closes, or breaks off. HAProxy then
 * reads the rest and discards it, and sometimes (3.0.11) never takes up the next request on that connection; between
 * regions that is another user's. So the connection ends with the answer to an upload (RFC 9112, 9.3). No rule can tell
 * by then whether the rest has come.
 */
export const closeUnread = `http-after-response set-header connection close if ${unread} !{ status 101 }`
