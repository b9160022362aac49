import { count, duration, list } from '../format.ts'
import { freshMs } from './combine.ts'
import type { Health, Problem, RegionReport, WorldStatus } from './types.ts'

type Unjudged = Omit<WorldStatus, 'health' | 'problems'>

/**
 * What is not as it should be, worst first within each kind, and what that makes of the whole. Pure. `claims`:
 * regions whose database says that it is the primary.
 */
export function judge(status: Unjudged, claims: readonly string[]): { health: Health; problems: Problem[] } {
  if (isStopped(status.regions))
    return {
      health: 'down',
      problems: [{ code: 'world_stopped', message: 'nothing of this world runs', remedy: 'nearside up' }],
    }
  const problems = [
    ...primaryProblems(status, claims),
    ...durabilityProblems(status),
    ...sharedProblems(status),
    ...aloneProblems(status),
    ...status.regions.flatMap((region) => regionProblems(region, status)),
    ...releaseProblems(status),
  ]
  const edges = status.regions.filter((region) => region.edge !== undefined)
  const served = edges.some((region) => region.edge === 'serving')
  return { health: served ? (problems.length === 0 ? 'well' : 'degraded') : 'down', problems }
}

function primaryProblems({ primary, regions }: Unjudged, claims: readonly string[]): Problem[] {
  if (claims.length > 1)
    return [
      {
        code: 'primary_claimed_twice',
        message: `${list(claims)} each say that they hold the primary; only one of them can acknowledge writes`,
      },
    ]
  const holder = regions.find((region) => region.region === primary)
  if (holder && (!holder.database || holder.database.role === 'unknown'))
    return [
      {
        code: 'primary_silent',
        message: `the primary in ${primary} does not answer: writes wait until it does or another region takes over`,
      },
    ]
  if (primary !== undefined) return []
  return [{ code: 'no_primary', message: 'no region holds the primary: writes wait' }]
}

function durabilityProblems({ durability, primary, regions }: Unjudged): Problem[] {
  const alone = `no standby is in step with ${primary ?? 'the primary'}`
  const single = regions.filter((region) => region.role === 'full').length === 1
  if (durability === 'at risk')
    return [
      {
        code: 'durability_at_risk',
        message: `${alone}: writes go on, and losing it now would lose the latest of them`,
        ...(single ? { remedy: 'a second full region would hold them too' } : {}),
      },
    ]
  if (durability === 'unknown' && primary !== undefined)
    return [{ code: 'durability_unknown', message: `nobody says which standby is in step with ${primary}` }]
  if (durability === 'stopped')
    return [
      { code: 'durability_stopped', message: `${alone}: writes are stopped (database.durability strict)` },
    ]
  return []
}

function sharedProblems({ shared, regions }: Unjudged): Problem[] {
  const without = regions.filter((region) => region.etcd?.error !== undefined).map((region) => region.region)
  const old =
    shared && shared.ageMs > freshMs
      ? `; fitness, lag and verdicts are ${duration(shared.ageMs / 1000)} old`
      : ''
  if (without.length > 0) {
    const why = regions.find((region) => region.etcd?.error !== undefined)!.etcd!.error!
    const where = without.length === regions.length ? 'anywhere' : `in ${list(without)}`
    return [{ code: 'etcd_unreachable', message: `etcd cannot be written ${where} (${why})${old}` }]
  }
  if (old !== '')
    return [{ code: 'view_old', message: `what the agents share is old${old.replace(';', ':')}` }]
  return []
}

/** Regions whose agent is gone and whose engines go on: one cause, most often, and one remedy. */
function aloneProblems({ regions }: Unjudged): Problem[] {
  const alone = regions.filter((region) => region.agentState === 'gone' && !isDead(region))
  if (alone.length === 0) return []
  const names = list(alone.map((region) => region.region))
  return [
    {
      code: 'agent_gone',
      ...(alone.length === 1 ? { region: alone[0]!.region } : {}),
      message: `no agent runs in ${names}: the engines go on there, and nobody restarts or steers them`,
      remedy: 'nearside up',
    },
  ]
}

/** An orderly stop leaves no record behind; what was killed does. */
export const isStopped = (regions: readonly RegionReport[]): boolean =>
  regions.every((region) => region.agentState === 'gone' && region.processes.length === 0)

const isDead = (region: RegionReport) => !region.processes.some((one) => one.state === 'running')

function regionProblems(region: RegionReport, status: Unjudged): Problem[] {
  const name = region.region
  const about = (code: string, message: string, remedy?: string): Problem => ({
    code,
    region: name,
    message: `${name}: ${message}`,
    ...(remedy === undefined ? {} : { remedy }),
  })
  const agent = agentProblem(region, about)
  const verdict = status.verdicts.find((one) => one.region === name)
  const fitness =
    region.fitness === 'lost' || region.fitness === 'unfit'
      ? [
          about(
            `region_${region.fitness}`,
            `${region.fitness}${verdict && verdict.by.length > 0 && verdict.state === region.fitness ? `, say ${list(verdict.by)}` : ''}`,
          ),
        ]
      : verdict?.state === 'suspect' && agent?.code !== 'region_dead'
        ? [about('region_suspect', `does not answer ${list(verdict.by)}`)]
        : []
  const edge =
    region.edge === 'silent' && agent?.code !== 'region_dead'
      ? [about('edge_silent', 'its edge does not answer users', `nearside logs ${name} haproxy`)]
      : region.edge === 'no app'
        ? [about('edge_no_app', 'its edge has no app to send users to')]
        : []
  const follows =
    region.role !== 'full' || region.database?.role !== 'replica' || region.lag?.streaming !== false
  const database = follows
    ? []
    : [
        about(
          'replica_not_streaming',
          'its database does not follow the primary',
          `nearside logs ${name} postgres`,
        ),
      ]
  const processes = agent?.code === 'region_dead' ? [] : region.processes.filter(notWell)
  return [
    ...(agent ? [agent] : []),
    ...fitness,
    ...edge,
    ...database,
    ...processes.map((one) =>
      about(
        'process_not_ready',
        `${one.name} ${one.state === 'gaveUp' ? 'was given up' : one.state}${one.why ? `, ${one.why}` : ''}${one.restarts ? ` (${count(one.restarts, 'restart')})` : ''}`.replace(
          `${name}: `,
          '',
        ),
        one.state === 'gaveUp' || one.state === 'backoff' ? `nearside logs ${name} ${one.name}` : undefined,
      ),
    ),
  ]
}

const notWell = ({ state }: RegionReport['processes'][number]) => state !== 'ready' && state !== 'running'

function agentProblem(
  region: RegionReport,
  about: (code: string, message: string, remedy?: string) => Problem,
): Problem | undefined {
  switch (region.agentState) {
    case 'answers':
      return undefined
    case 'hangs':
      return about(
        'agent_hangs',
        'its agent does not answer; what is shown comes from its engines',
        `nearside logs ${region.region} agent; nearside restart ${region.region} agent`,
      )
    case 'gone':
      return isDead(region)
        ? about('region_dead', 'nothing runs there', `nearside revive ${region.region}`)
        : undefined
    case 'elsewhere':
      return about('agent_unreachable', `its agent at ${region.address} does not answer`)
  }
}

function releaseProblems({ regions }: Unjudged): Problem[] {
  const release = regions.map((region) => region.world?.release).find((one) => one?.startsWith('failed'))
  if (release === undefined) return []
  return [
    {
      code: 'release_failed',
      message: `app.release ${release}`,
      remedy: 'mend it, then run nearside up again: it is tried again',
    },
  ]
}
