import type { EnginePart, PlanProcess, StatusRange } from '../../plan.ts'
import { appPort, firstPrimary } from '../../topology/regions.ts'
import type { RegionContext } from '../context.ts'

/** Status codes of `app.health` with which an instance counts as healthy, both for its agent and for HAProxy. */
export const appHealthy: StatusRange = { from: 200, to: 299 }

/** The user's app, unchanged: its instances and their environment. */
export function renderApp(context: RegionContext): EnginePart {
  const { region, topology } = context
  if (!region.full) return { folders: [], files: [], processes: [] }
  const { app } = topology
  const processes = Array.from({ length: app.instances }, (_, instance): PlanProcess => {
    const port = appPort(topology, region, instance)
    return {
      name: `app-${instance}`,
      engine: 'app',
      command: app.command,
      env: { PORT: String(port), ...appEnvironment(context) },
      run: 'host',
      cwd: context.appFolder,
      after: ['haproxy', 'redis', 'postgres'],
      ready: { kind: 'http', port, path: app.health, expect: appHealthy },
      readyTimeoutMs: app.startSeconds * 1000,
      stop: { signal: 'SIGTERM', timeoutMs: app.stopSeconds * 1000 },
    }
  })
  return { folders: [], files: [], processes }
}

/** Environment of every process of the app. The release command gets it as well, without PORT. */
export function appEnvironment(context: RegionContext): Record<string, string> {
  const { region, topology, secrets } = context
  const { ports, database } = topology
  const login = `${database.name}:${secrets.app}`
  return {
    ...topology.app.env,
    ...region.env,
    HOST: region.address,
    NEARSIDE_REGION: region.name,
    NEARSIDE_PRIMARY_REGION: firstPrimary(topology),
    DATABASE_URL: `postgres://${login}@${region.address}:${ports.databaseWrite}/${database.name}`,
    DATABASE_READ_URL: `postgres://${login}@${region.address}:${ports.databaseRead}/${database.name}`,
    REDIS_URL: `redis://default:${secrets.redis}@${region.address}:${ports.redis}`,
    NEARSIDE_API: `http://${region.address}:${ports.agent}`,
  }
}
