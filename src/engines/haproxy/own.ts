import { ownPaths, proxies } from './layout.ts'
import { appHealthy, reachable } from './routes.ts'
import { section } from './text.ts'
import type { View } from './view.ts'

/**
 * What HAProxy answers itself, without a line in the log. In backends of their own, so that a request for the app costs
 * one look at its path. Nothing below this path reaches the app.
 */
export function ownBackends({ region, remotes }: View): string[] {
  const ready = `{ path ${ownPaths.ready} }`
  const answers = (name: string, conditions: readonly string[]) =>
    section(
      `backend ${name}`,
      'http-request set-log-level silent',
      `http-request return status 200 if { path ${ownPaths.alive} }`,
      conditions.map((condition) => `http-request return status 200 if ${ready} ${condition}`),
      `http-request return status 503 hdr retry-after 1 if ${ready}`,
      'http-request return status 404',
    )
  const someRegionHealthy = [
    ...(region.full ? [appHealthy] : []),
    ...remotes.map(({ name }) => reachable(name)),
  ]
  return [
    // Apart from Varnish's: what this one answered is taken off the users' requests.
    answers(proxies.own, someRegionHealthy),
    answers(proxies.ownOrigin, someRegionHealthy),
    ...(region.full ? [answers(proxies.ownRegion, [appHealthy])] : []),
  ]
}
