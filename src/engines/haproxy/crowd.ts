import type { Topology } from '../../topology/schema.ts'
import { clientAddress, clientHeaderOf, countedBy } from './client.ts'
import { proxies, tables } from './layout.ts'
import { type Budgets, crowdOf } from './limits.ts'
import { isUpgrade } from './sockets.ts'
import type { Line } from './text.ts'

/**
 * The last quarter of a frontend's places is for everyone: while it is crowded, each client's address (IPv6: network of 64
 * bits) gets a few more places only. So nobody can keep others out from a few addresses, whether with idle
 * connections, with requests that the app answers slowly, or by reading answers slowly. Until then nothing is counted,
 * because many users may share an address.
 *
 * A counter of its own: sc0 to sc6 have other uses.
 */
const counted = 'sc_conn_cur(7)'
// A kept connection would keep the place.
const refuse =
  'return status 429 content-type text/plain string "Too many requests from your address are under way." hdr retry-after 5 hdr connection close'

/** Connections of users. A trusted proxy carries many of them. */
export function crowdOfUsers(budgets: Budgets, { edge: { trustedProxies } }: Topology): Line {
  const { from, each } = crowdOf(budgets.users)
  const isProxy = trustedProxies.length > 0 && ` !{ src ${trustedProxies.join(' ')} }`
  return [
    `tcp-request connection track-sc7 ${countedBy('src')} table ${tables.crowd(proxies.users)} if { fe_conn gt ${from} }${isProxy || ''}`,
    `tcp-request connection reject if { ${counted} gt ${each} }`,
  ]
}

/** WebSockets for this region's app. */
export function crowdOfSockets(budgets: Budgets, topology: Topology): Line {
  const { from, each } = crowdOf(budgets.sockets)
  const isCrowded = `${isUpgrade} { be_conn(${proxies.sockets}) gt ${from} }`
  return [
    `http-request track-sc7 ${countedBy(clientAddress(topology))} table ${tables.crowd(proxies.sockets)} if ${isCrowded}`,
    `http-request ${refuse} if ${isCrowded} { ${counted} gt ${each} }`,
  ]
}

/** Requests that come from this HAProxy or another region's, which name the client. */
export function crowdOfHop(hop: 'writes' | 'regions', budgets: Budgets, topology: Topology): Line {
  const { from, each } = crowdOf(budgets[hop])
  const table = tables.crowd(proxies[hop])
  return [
    `http-request track-sc7 ${countedBy(`req.hdr_ip(${clientHeaderOf(topology)},-1)`)} table ${table} if { fe_conn gt ${from} }`,
    `http-request ${refuse} if { ${counted} gt ${each} }`,
  ]
}
