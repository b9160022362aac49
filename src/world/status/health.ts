import { describeRelease, isFailed } from '../../agent/release/state.ts'
import { spaceState } from '../../engines/etcd/space.ts'
import { freshMs } from '../../failover/fresh.ts'
import { duration, list } from '../../lib/format.ts'
import { isMissing, type Majority, majorityOf, majorityWords } from '../majority.ts'
import { damageProblems } from './damage.ts'
import { primaryProblems } from './primary.ts'
import { isDead, regionProblems } from './region-health.ts'
import { steeringProblems } from './steering-health.ts'
import type { Health, Problem, RegionReport, WorldStatus } from './types.ts'

type StatusWithoutHealth = Omit<WorldStatus, 'health' | 'problems'>

/**
 * Lists the problems, worst first within each kind, and derives the overall health. Pure. `claims`: regions whose
 * database reports that it is the primary.
 */
export function evaluate(
  status: StatusWithoutHealth,
  claims: readonly string[],
): { health: Health; problems: Problem[] } {
  if (isStopped(status.regions))
    return {
      health: 'down',
      problems: [
        {
          code: 'world_stopped',
          message: 'no process of this world is running',
          remedy: 'run `nearside up`',
        },
      ],
    }
  const edges = status.regions.filter((region) => region.edge !== undefined)
  const isFresh = status.shared !== undefined && status.shared.ageMs <= freshMs
  const unanswered = edges.filter((region) => mayServe(region, isFresh))
  const served =
    edges.some((region) => region.edge === 'serving') ||
    unanswered.some((region) => isSeenServing(region, status.regions))
  const notServed: Health = unanswered.length > 0 ? 'unknown' : 'down'
  // Everything else is a consequence, and its remedies would start again what is being stopped.
  if (status.stopping)
    return {
      health: served ? 'degraded' : notServed,
      problems: [{ code: 'world_stopping', message: 'the world is being stopped' }],
    }
  const majority = majorityIn(status.regions)
  const problems = [
    ...(isMissing(majority) ? [noMajority(majority)] : []),
    ...primaryProblems(status, claims),
    ...durabilityProblems(status),
    ...sharedProblems(status, isMissing(majority)),
    ...damageProblems(status),
    ...cycleProblems(status),
    ...aloneProblems(status),
    ...status.regions
      .flatMap((region) => regionProblems(region, status))
      // One region alone would wait for the others.
      .map((one) => (one.code === 'region_dead' && isMissing(majority) ? withoutRemedy(one) : one)),
    ...steeringProblems(status),
    ...releaseProblems(status),
  ]
  return { health: served ? (problems.length === 0 ? 'healthy' : 'degraded') : notServed, problems }
}

/** It has not answered here, and the agents have not agreed that it answers nobody. */
const mayServe = ({ edge, health }: RegionReport, isFresh: boolean) =>
  edge === 'unknown' && !(isFresh && health === 'unreachable')

/** An edge that did not answer here in time, and that another region's agent reaches. */
const isSeenServing = ({ region: name }: RegionReport, regions: readonly RegionReport[]) =>
  regions.some(({ seen }) => seen?.[name]?.edge?.ok === true && seen[name]?.app?.ok === true)

const withoutRemedy = ({ remedy, ...problem }: Problem): Problem => problem

/** A region whose state is unknown counts as running. */
const majorityIn = (regions: readonly RegionReport[]): Majority =>
  majorityOf(
    regions.map(({ region, role }) => ({ name: region, votes: role !== 'edge' })),
    (name) => {
      const region = regions.find((one) => one.region === name)!
      return region.agentState !== 'gone' || !isDead(region)
    },
  )

const noMajority = (majority: Majority): Problem => ({
  code: 'no_majority',
  message: majorityWords(majority),
  remedy: 'run `nearside up --detach`, which starts all regions',
})

function durabilityProblems({ durability, primary, regions }: StatusWithoutHealth): Problem[] {
  const alone = `${primary ?? 'the primary'} has no sync standby`
  const single = regions.filter((region) => region.role === 'full').length === 1
  if (durability === 'at risk')
    return [
      {
        code: 'durability_at_risk',
        message: `${alone}: writes continue, but losing it now would lose the most recent ones`,
        ...(single ? { remedy: 'add a second full region to keep a copy' } : {}),
      },
    ]
  if (durability === 'unknown' && primary !== undefined)
    return [{ code: 'durability_unknown', message: `no agent reports a sync standby of ${primary}` }]
  if (durability === 'stopped')
    return [
      { code: 'durability_stopped', message: `${alone}: writes are blocked (database.durability: strict)` },
    ]
  return []
}

function sharedProblems({ shared, regions }: StatusWithoutHealth, withoutMajority: boolean): Problem[] {
  const without = regions.filter((region) => region.etcd?.error !== undefined).map((region) => region.region)
  const old =
    shared && shared.ageMs > freshMs
      ? `; health, lag and verdicts are ${duration(shared.ageMs / 1000)} old`
      : ''
  const state = spaceState(regions.flatMap(({ etcd }) => etcd ?? []))
  // A full etcd explains failed writes, so those are not reported separately.
  if (state === 'full') return [{ ...etcdFull, message: `${etcdFull.message}${old}` }]
  const nearly = state === 'nearly full' ? [etcdNearlyFull] : []
  if (without.length > 0 && !withoutMajority) {
    const why = regions.find((region) => region.etcd?.error !== undefined)!.etcd!.error!
    const where = without.length === regions.length ? 'from any region' : `from ${list(without)}`
    return [
      { code: 'etcd_unreachable', message: `etcd did not take the last write ${where} (${why})${old}` },
      ...nearly,
    ]
  }
  if (old !== '')
    return [
      { code: 'view_old', message: `the agents’ shared view is stale${old.replace(';', ':')}` },
      ...nearly,
    ]
  return nearly
}

/** Not etcd's fault: an agent that reads and writes it, and cannot act on what it reads. */
const cycleProblems = ({ regions }: StatusWithoutHealth): Problem[] =>
  regions.flatMap(({ region, cycleError }) =>
    cycleError === undefined
      ? []
      : [
          {
            code: 'agent_failing',
            region,
            message: `${region}: its agent makes no decisions: ${cycleError}`,
            remedy: `see \`nearside logs ${region} agent\``,
          },
        ],
  )

const etcdFull: Problem = {
  code: 'etcd_full',
  message:
    'etcd is full (NOSPACE) and refuses every write: agents make no decisions and no primary can be elected',
  remedy: 'run `nearside doctor --fix`',
}
const etcdNearlyFull: Problem = {
  code: 'etcd_nearly_full',
  message: 'etcd is nearly full; once full, it refuses every write and no primary can be elected',
  remedy: 'run `nearside doctor --fix`',
}

/** Regions whose agent is gone while engines run. Reported together: they usually share one cause and one remedy. */
function aloneProblems({ regions }: StatusWithoutHealth): Problem[] {
  const alone = regions.filter((region) => region.agentState === 'gone' && !isDead(region))
  if (alone.length === 0) return []
  const names = list(alone.map((region) => region.region))
  return [
    {
      code: 'agent_gone',
      ...(alone.length === 1 ? { region: alone[0]!.region } : {}),
      message: `no agent runs in ${names}: engines continue there, but without restarts and steering`,
      remedy: 'run `nearside up`',
    },
  ]
}

/** An orderly stop leaves no records; a kill does. */
export const isStopped = (regions: readonly RegionReport[]): boolean =>
  regions.every((region) => region.agentState === 'gone' && region.processes.length === 0)

function releaseProblems({ regions }: StatusWithoutHealth): Problem[] {
  const release = regions.map((region) => region.world?.release).find(isFailed)
  if (release === undefined) return []
  return [
    {
      code: 'release_failed',
      message: `app.release ${describeRelease(release)}`,
      remedy: 'fix it and run `nearside up` again to retry',
    },
  ]
}
