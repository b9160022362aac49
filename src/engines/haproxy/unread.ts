import type { Line } from './text.ts'

/**
 * An answer may come before the request body has: the app refuses an upload and closes, or breaks off. HAProxy then
 * reads the rest and discards it, and sometimes (3.0.11) never takes up the next request on that connection; between
 * regions that is another user's. So the connection ends with the answer to every request whose body is still arriving
 * when it is routed (RFC 9112, 9.3): to an upload of more than a buffer, a slow one, and one of unknown length. No rule
 * can tell later whether the rest has come.
 */
const unread = '{ var(txn.unread) -m bool }'

/** `req.body_size` is the stated length, `req.body_len` the part that has arrived. */
export const noteUnread: Line = [
  'http-request set-var(txn.arrived) req.body_len if { req.body_size gt 0 }',
  'http-request set-var(txn.unread) bool(true) if { var(txn.arrived) -m found } !{ req.body_size,sub(txn.arrived) eq 0 }',
  'http-request set-var(txn.unread) bool(true) if { req.hdr(transfer-encoding) -m found }',
]

export const closeUnread = `http-after-response set-header connection close if ${unread} !{ status 101 }`
