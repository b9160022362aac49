import { duration, list } from '../../lib/format.ts'
import type { PrimaryKnowledge, Problem, RegionReport, WorldStatus } from './types.ts'

/** Who holds the primary, and how well that is known. A missing answer is no answer. Pure. */

type Known = { primary?: string; primaryKnown: PrimaryKnowledge }

/** `view`: the agents' shared view, and whether it is fresh. `claims`: regions whose database says that it is the primary. */
export function primaryOf(
  regions: readonly RegionReport[],
  view: { world: NonNullable<RegionReport['world']>; fresh: boolean } | undefined,
  claims: readonly string[],
): Known {
  const last = view?.world.primary
  const ageMs = view?.world.ageMs
  if (view?.fresh) {
    if (last !== undefined) return { primary: last, primaryKnown: { state: 'yes', ageMs: view.world.ageMs } }
    const isDamaged = view.world.damaged?.some(({ key }) => /^\/service\/.*\/leader$/.test(key)) === true
    if (claims.length === 0 && !isDamaged) return { primaryKnown: { state: 'no', ageMs: view.world.ageMs } }
    if (!isDamaged)
      return unknown(`etcd names none, but the database in ${list(claims)} says that it is the primary`)
  }
  const [claimed] = claims
  if (claimed !== undefined) return { primary: claimed, primaryKnown: { state: 'yes', ageMs: 0 } }
  const silent = regions.filter((region) => region.role === 'full' && isSilent(region))
  if (silent.length === 0 && !view?.fresh) return { primaryKnown: { state: 'no', ageMs: 0 } }
  const why = silent.length > 0 ? silent.map(silenceOf).join(', ') : 'the leader key in etcd is damaged'
  return unknown(why, last, last === undefined ? undefined : ageMs)
}

const unknown = (why: string, last?: string, ageMs?: number): Known => ({
  primaryKnown: {
    state: 'unknown',
    why,
    ...(last === undefined ? {} : { last }),
    ...(ageMs === undefined ? {} : { ageMs }),
  },
})

/** The database has not answered in time, and nothing says that it does not run. */
export function isSilent({ source, database, processes, silentMs, role }: RegionReport): boolean {
  if (role !== 'full' || (database && database.role !== 'unknown')) return false
  const state = processes.find(({ name }) => name === 'postgres')?.state
  if (state !== undefined && state !== 'ready' && state !== 'running') return false
  // An agent gives Patroni 2 s. Without one, a refused connection is an answer.
  return source === 'agent' ? state !== undefined : silentMs?.patroni !== undefined
}

function silenceOf({ region, silentMs }: RegionReport): string {
  const ms = silentMs?.patroni
  return `Patroni in ${region} did not answer${ms === undefined ? '' : ` within ${ms} ms`}`
}

export function primaryProblems(
  { primary, primaryKnown, regions }: Pick<WorldStatus, 'primary' | 'primaryKnown' | 'regions'>,
  claims: readonly string[],
): Problem[] {
  if (claims.length > 1)
    return [
      {
        code: 'primary_claimed_twice',
        message: `${list(claims)} each report that they hold the primary; only one of them can acknowledge writes`,
      },
    ]
  if (primaryKnown.state === 'no')
    return [{ code: 'no_primary', message: 'no region holds the primary: writes wait' }]
  if (primaryKnown.state === 'unknown') {
    const { why, last, ageMs = 0 } = primaryKnown
    const before = last === undefined ? '' : `; it was in ${last} ${duration(ageMs / 1000)} ago`
    return [{ code: 'primary_unknown', message: `where the primary is, is not known: ${why}${before}` }]
  }
  const holder = regions.find((region) => region.region === primary)
  if (!holder || (holder.database && holder.database.role !== 'unknown')) return []
  if (isSilent(holder))
    return [
      {
        code: 'primary_unknown',
        message: `whether the primary in ${primary} takes writes is not known: ${silenceOf(holder)}`,
      },
    ]
  return [
    {
      code: 'primary_unreachable',
      message: `the primary in ${primary} does not answer: writes wait until it does or another region takes over`,
    },
  ]
}
