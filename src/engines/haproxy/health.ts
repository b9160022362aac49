import { ownPaths, proxies } from './layout.ts'
import { logErrors, section } from './text.ts'
import type { View } from './view.ts'

/**
 * Health checks by agents, by other regions' HAProxys and by commands. They have a port of their own, so that they are
 * answered while users or other regions occupy all of their connections: a full edge is not a broken one, and DNS would
 * send its users to the next edge, which has the same limits.
 */
export function healthFrontend({ region, regions, topology, budgets }: View): string {
  const addresses = regions.map(({ address }) => address)
  return section(
    `frontend ${proxies.health}`,
    `bind ${region.address}:${topology.ports.health}`,
    `maxconn ${budgets.health}`,
    logErrors,
    'timeout client 5s',
    'timeout http-request 5s',
    'timeout http-keep-alive 1s',
    // Half is kept for the regions. The port answers anyone else as well, such as a load balancer or a command.
    `tcp-request connection reject if { fe_conn gt ${Math.floor(budgets.health / 2)} } !{ src ${addresses.join(' ')} }`,
    `use_backend ${region.full ? proxies.ownRegion : proxies.own} unless { path ${ownPaths.serving} }`,
    `default_backend ${proxies.own}`,
  )
}
