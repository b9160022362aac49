import { proxies } from './layout.ts'
import type { Line } from './text.ts'
import type { View } from './view.ts'

/** Conditions on the state of the world, and the routes that depend on them. */

export const appHealthy = `{ nbsrv(${proxies.appHealth}) gt 0 }`

/** True in an old worker after a reload, which checks no servers any more, so its view of the world is stale. */
export const stopping = '{ stopping }'

export const reachable = (name: string) => `{ srv_is_up(${proxies.to(name)}/${name}) }`

export const primaryAt = (name: string) => `{ srv_is_up(${proxies.primary}/${name}) }`

/**
 * Reads go to this region's app, otherwise to the nearest region with a healthy one. `last`: where they go without one.
 */
export function readRoutes(
  { region, remotes }: View,
  last: typeof proxies.lastResort | typeof proxies.lastResortHop = proxies.lastResortHop,
): Line {
  return [
    region.full && `use_backend ${proxies.app} if ${appHealthy}`,
    remotes.map(({ name }) => `use_backend ${proxies.to(name)} if ${reachable(name)}`),
    `default_backend ${region.full ? last : proxies.unavailable}`,
  ]
}

/**
 * Writes go to the primary's region if its app is healthy. Otherwise they are routed like reads, since every app
 * reaches the primary through its region's port 6432.
 */
export function writeRoutes(view: View): Line {
  const { region, remotes } = view
  return [
    region.full && `use_backend ${proxies.app} if ${primaryAt(region.name)} ${appHealthy}`,
    remotes.map(({ name }) => `use_backend ${proxies.to(name)} if ${primaryAt(name)} ${reachable(name)}`),
    readRoutes(view, proxies.lastResort),
  ]
}
