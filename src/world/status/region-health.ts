import type { Budget } from '../../engines/haproxy/limits.ts'
import { duration, list } from '../../lib/format.ts'
import { describeTrouble } from '../process-words.ts'
import { cacheProblems } from './cache-problems.ts'
import type { Problem, RegionReport, WorldStatus } from './types.ts'

/** No process runs: the region was killed or stopped. */
export const isDead = (region: RegionReport): boolean =>
  !region.processes.some((one) => one.state === 'running')

type About = (code: string, message: string, remedy?: string) => Problem

/** The problems of one region. Pure. */
export function regionProblems(
  region: RegionReport,
  { verdicts, regions }: Pick<WorldStatus, 'verdicts'> & Partial<Pick<WorldStatus, 'regions'>>,
): Problem[] {
  const name = region.region
  const about: About = (code, message, remedy) => ({
    code,
    region: name,
    message: `${name}: ${message}`,
    ...(remedy === undefined ? {} : { remedy }),
  })
  const agent = agentProblem(region, about)
  const verdict = verdicts.find((one) => one.region === name)
  const health =
    region.health === 'unreachable' || region.health === 'unhealthy'
      ? [
          about(
            `region_${region.health}`,
            `${region.health}${verdict && verdict.by.length > 0 && verdict.state === region.health ? reasonOf(verdict) : ''}`,
          ),
        ]
      : verdict?.state === 'suspect' && agent?.code !== 'region_dead'
        ? [about('region_suspect', `does not answer probes from ${list(verdict.by)}`)]
        : []
  const edge =
    region.edge === 'unreachable' && agent?.code !== 'region_dead'
      ? [about('edge_unreachable', 'its edge does not answer users', `see \`nearside logs ${name} haproxy\``)]
      : region.edge === 'no app'
        ? [about('edge_no_app', 'its edge has no healthy app to route to')]
        : region.edge === 'unknown'
          ? [
              about(
                'edge_unknown',
                `its edge did not answer${within(region.silentMs?.edge)}${seenBy(name, regions)}`,
              ),
            ]
          : []
  const follows =
    region.database?.missingWal === undefined &&
    (region.role !== 'full' || region.database?.role !== 'replica' || region.lag?.streaming !== false)
  const database = follows
    ? []
    : [
        about(
          'replica_not_streaming',
          whyNotStreaming(region.database),
          `see \`nearside logs ${name} postgres\``,
        ),
      ]
  const steering =
    region.steering?.kind === 'failed'
      ? [
          about(
            'steering_failed',
            `its DNS does not answer as it should: ${region.steering.why}`,
            `see \`nearside logs ${name} agent\``,
          ),
        ]
      : []
  const purges = region.purges?.failing
    ? [
        about(
          'purge_failing',
          `its caches may serve what purge ${region.purges.failing.number} removes: ${region.purges.failing.why}`,
          `see \`nearside logs ${name} agent\``,
        ),
      ]
    : []
  const processes = agent?.code === 'region_dead' ? [] : region.processes.filter(notReady)
  return [
    ...(agent ? [agent] : []),
    ...health,
    ...edge,
    ...connectionProblems(region, about),
    ...database,
    ...steering,
    ...purges,
    ...cacheProblems(region, about),
    ...processes.map((one) =>
      about(
        'process_not_ready',
        `${one.name} ${describeTrouble(one)}`.replace(`${name}: `, ''),
        one.state === 'gaveUp' || one.state === 'backoff'
          ? `see \`nearside logs ${name} ${one.name}\``
          : undefined,
      ),
    ),
  ]
}

const within = (ms: number | undefined) => (ms === undefined ? '' : ` within ${ms} ms`)

/** What other regions' agents know of an edge that did not answer here in time. */
function seenBy(name: string, regions: readonly RegionReport[] = []): string {
  const told = regions.flatMap(({ region, seen }) => {
    const edge = seen?.[name]?.edge
    if (edge === undefined) return []
    return [
      edge.ok ? `${region} reaches it` : `${region} has not reached it for ${duration(edge.forMs / 1000)}`,
    ]
  })
  return told.length === 0 ? '' : `; ${told.join(', ')}`
}

/** From this share of a limit on, users or regions will soon wait. */
const nearlyFullShare = 0.8

const shownNumber = (value: number) => value.toLocaleString('en-US')

/** A full edge still passes its health checks, so that DNS does not fill the next one. */
function connectionProblems({ region, connections }: RegionReport, about: About): Problem[] {
  if (!connections) return []
  const { users, usersWaiting, ...others } = connections
  const of = (one: { current: number; limit: number }) =>
    `${shownNumber(one.current)} of ${shownNumber(one.limit)} connections`
  const more = 'raise the limit of open files of `nearside up`, or edge.maxConnections'
  const waiting = usersWaiting > 0 ? ` (${shownNumber(usersWaiting)} now)` : ''
  const full = Object.entries(others).filter(([, one]) => one.limit > 0 && one.current >= one.limit)
  return [
    ...(users && users.current >= users.limit
      ? [about('edge_full', `serves ${of(users)}: users wait${waiting}`, more)]
      : users && users.current >= users.limit * nearlyFullShare
        ? [about('edge_nearly_full', `serves ${of(users)}: soon users will wait`, more)]
        : []),
    ...full.map(([name, one]) =>
      about(
        'edge_limit_reached',
        `its edge has ${of(one)} for ${budgetWords[name as keyof typeof others]}: further ones wait`,
        `see \`nearside logs ${region} haproxy\``,
      ),
    ),
  ]
}

const budgetWords: Record<Exclude<Budget, 'users'>, string> = {
  regions: 'other regions',
  health: 'health checks',
  writes: 'writes',
  reroute: 'requests whose app or region broke off',
  chunked: 'chunked uploads',
  origin: 'requests of its CDN cache',
  sockets: 'WebSockets of its app',
  databaseWrite: 'DATABASE_URL',
  databaseRead: 'DATABASE_READ_URL',
}

const reasonOf = ({ by, why }: WorldStatus['verdicts'][number]) =>
  why === undefined ? `, according to ${list(by)}` : `: it has ${why}, which ${list(by)} can reach`

function whyNotStreaming(database: RegionReport['database']): string {
  if (database?.state === 'creating replica')
    return 'its database is being copied from the primary (base backup)'
  if (database?.missingWal !== undefined)
    return 'its database does not replicate: the primary no longer has the WAL it needs; replica reinit follows within a minute unless its data is still needed'
  return 'its database does not replicate from the primary'
}

const notReady = ({ state }: RegionReport['processes'][number]) => state !== 'ready' && state !== 'running'

function agentProblem(region: RegionReport, about: About): Problem | undefined {
  switch (region.agentState) {
    case 'answers':
      return undefined
    case 'hangs':
      return about(
        'agent_hangs',
        `its agent did not answer${within(region.silentMs?.agent)}; its engines report its state`,
        `run \`nearside status\` again; if this stays, see \`nearside logs ${region.region} agent\`, then run \`nearside restart ${region.region} agent\``,
      )
    case 'gone':
      return isDead(region)
        ? about('region_dead', 'no process is running', `run \`nearside revive ${region.region}\``)
        : undefined
    case 'elsewhere':
      return about(
        'agent_unreachable',
        `its agent at ${region.address} did not answer${within(region.silentMs?.agent)}`,
      )
  }
}
