import { list } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'

/** etcd's majority: without it no primary is elected, and a region that starts waits. */
export type Majority = { needed: number; voting: readonly string[]; running: readonly string[] }

/** Pure. */
export function majorityOf(
  regions: readonly Pick<Region, 'name' | 'votes'>[],
  runs: (region: string) => boolean,
): Majority {
  const voting = regions.filter((region) => region.votes).map((region) => region.name)
  return { needed: Math.floor(voting.length / 2) + 1, voting, running: voting.filter(runs) }
}

export const isMissing = ({ needed, running }: Majority): boolean => running.length < needed

/** `etcd needs 2 of 3 voting regions; only us-west runs`. Pure. */
export function majorityWords({ needed, voting, running }: Majority): string {
  const runs =
    running.length === 0 ? 'none runs' : `only ${list(running)} ${running.length === 1 ? 'runs' : 'run'}`
  return `etcd needs ${needed} of ${voting.length} voting regions; ${runs}`
}
