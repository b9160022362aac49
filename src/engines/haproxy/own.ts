import { ownPaths, proxies } from './layout.ts'
import { appHealthy, reachable } from './routes.ts'
import { section } from './text.ts'
import type { View } from './view.ts'

/**
 * HAProxy's own endpoints, which it answers itself and does not log. They are in separate backends, so a request for
 * the app costs only one comparison of its path. No request below this path reaches the app.
 */
export function ownBackends({ region, remotes }: View): string[] {
  const someRegionHealthy = [
    ...(region.full ? [appHealthy] : []),
    ...remotes.map(({ name }) => reachable(name)),
  ]
  const ready = `{ path ${ownPaths.ready} }`
  const serving = `{ path ${ownPaths.serving} }`
  const answers = (name: string, conditions: readonly string[]) =>
    section(
      `backend ${name}`,
      'http-request set-log-level silent',
      `http-request return status 200 if { path ${ownPaths.alive} }`,
      conditions.map((condition) => `http-request return status 200 if ${ready} ${condition}`),
      someRegionHealthy.map((condition) => `http-request return status 200 if ${serving} ${condition}`),
      `http-request return status 503 hdr retry-after 1 if ${ready} or ${serving}`,
      'http-request return status 404',
    )
  return [
    // Separate from Varnish's, because the requests of this one are subtracted from those of users.
    answers(proxies.own, someRegionHealthy),
    answers(proxies.ownOrigin, someRegionHealthy),
    ...(region.full ? [answers(proxies.ownRegion, [appHealthy])] : []),
  ]
}
