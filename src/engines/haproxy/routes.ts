import { proxies } from './layout.ts'
import type { Line } from './text.ts'
import type { View } from './view.ts'

/** Conditions on the state of the world, and where a request goes by them. */

export const appHealthy = `{ nbsrv(${proxies.appHealth}) gt 0 }`

/** After a reload, in the old worker: it checks no server any more, so what it knows of the world grows old. */
export const stopping = '{ stopping }'

export const reachable = (name: string) => `{ srv_is_up(${proxies.to(name)}/${name}) }`

export const primaryAt = (name: string) => `{ srv_is_up(${proxies.primary}/${name}) }`

/** Here, else the next nearest region that can. */
export function readRoutes({ region, remotes }: View): Line {
  return [
    region.full && `use_backend ${proxies.app} if ${appHealthy}`,
    remotes.map(({ name }) => `use_backend ${proxies.to(name)} if ${reachable(name)}`),
    `default_backend ${region.full ? proxies.last : proxies.nobody}`,
  ]
}

/**
 * The region that holds the primary, if its app is healthy; else as a read, for every app reaches the primary through its
 * own 6432.
 */
export function writeRoutes(view: View): Line {
  const { region, remotes } = view
  return [
    region.full && `use_backend ${proxies.app} if ${primaryAt(region.name)} ${appHealthy}`,
    remotes.map(({ name }) => `use_backend ${proxies.to(name)} if ${primaryAt(name)} ${reachable(name)}`),
    readRoutes(view),
  ]
}
