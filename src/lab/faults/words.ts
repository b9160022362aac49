import { suggest } from '../../lib/suggest.ts'
import type { ClusterFacts, RawFaultArgs } from './facts.ts'
import { noPreload } from './impossible.ts'
import { usage } from './quantities.ts'
import { type Direction, type FaultKind, users } from './types.ts'

/** Regions, processes and links as they are typed, each held against what there is. Pure. */

export function region({ words }: RawFaultArgs, of: ClusterFacts): string {
  return named('region', words[0]!, names(of))
}

/** One that has a database and an app. */
export function fullRegion(kind: FaultKind, typed: RawFaultArgs, of: ClusterFacts): string {
  const name = region(typed, of)
  const full = of.regions.filter((one) => one.full).map((one) => one.name)
  if (full.includes(name)) return name
  const serves = of.regions.some((one) => one.name === name && one.serves)
  throw usage(
    'region_empty',
    `${kind}: ${name} is ${serves ? 'an edge' : 'a witness'}, without an app and a database; expected ${full.join(', ')}`,
    `nearside lab fault ${kind} ${full[0]}`,
  )
}

export function faultyApp(kind: FaultKind, typed: RawFaultArgs, of: ClusterFacts): string {
  const name = fullRegion(kind, typed, of)
  if (of.appFaults === false) throw noPreload(kind, name)
  return name
}

/** PostgreSQL without the Patroni that watches over it: nobody stops that in good order. */
export function restartable(typed: RawFaultArgs, of: ClusterFacts): { region: string; process: string } {
  if (typed.words[1] !== 'postmaster') return regionProcess(typed, of, ['postmaster'])
  throw usage(
    'fault_postmaster',
    'restart-process: postmaster is no process of the agent’s; it can be killed or paused',
    `nearside lab fault restart-process ${region(typed, of)} postgres restarts it with its Patroni`,
  )
}

export function regionProcess(
  typed: RawFaultArgs,
  of: ClusterFacts,
  without: readonly string[] = [],
): { region: string; process: string } {
  const name = region(typed, of)
  const process = typed.words[1]!
  const known = of.processesOf?.(name)?.filter((one) => !without.includes(one))
  if (known) named('process', process, known)
  return { region: name, process }
}

const names = (of: ClusterFacts) => of.regions.map((one) => one.name)
export const placeNamed = (word: string, of: ClusterFacts) => named('region', word, [...names(of), users])

export function link(
  typed: RawFaultArgs,
  of: ClusterFacts,
): { from: string; to: string; direction: Direction } {
  const from = region(typed, of)
  const to = placeNamed(typed.words[1]!, of)
  if (from === to) throw usage('fault_same', `link: ${from} has no link to itself`)
  return { from, to, direction: directionOf(typed) }
}

export function directionOf({ direction = 'both' }: RawFaultArgs): Direction {
  if (direction === 'both' || direction === 'out' || direction === 'in') return direction
  throw usage(
    'direction_unknown',
    `--direction: expected both, out or in, got ${JSON.stringify(direction)}`,
    'out: what the region says does not arrive; in: it hears nothing',
  )
}

/** The fewest whose loss leaves no majority, the primary's own last: what is tested is the vote, not the database. */
export function members(typed: RawFaultArgs, of: ClusterFacts): string[] {
  const voters = of.regions.filter((one) => one.votes).map((one) => one.name)
  const needed = Math.ceil(voters.length / 2)
  if (typed.members === undefined)
    return [...voters]
      .sort(
        (a, b) =>
          Number(a === of.primary) - Number(b === of.primary) || voters.indexOf(b) - voters.indexOf(a),
      )
      .slice(0, needed)
      .sort((a, b) => voters.indexOf(a) - voters.indexOf(b))
  const chosen = [...new Set(typed.members.split(',').filter(Boolean))].map((name) =>
    named('region', name, voters),
  )
  if (chosen.length < needed)
    throw usage(
      'fault_majority_left',
      `etcd-quorum: without ${chosen.join(', ')} there is still a majority of ${voters.length} members`,
      `name at least ${needed}`,
    )
  return chosen
}

function named(what: string, word: string, known: readonly string[]): string {
  if (known.includes(word)) return word
  const meant = suggest(word, known)
  throw usage(
    `${what}_unknown`,
    `${what}: expected ${known.join(', ')}, got ${JSON.stringify(word)}`,
    meant === undefined ? undefined : `did you mean ${meant}?`,
  )
}
