import { describePlaces, listOf, named } from '../arguments.ts'
import type { FaultDriver, FaultInput, FaultOption } from '../driver.ts'
import { usage } from '../errors.ts'
import type { Lasting } from '../fault.ts'
import { stopping } from './stopping.ts'

/** Pauses the etcd members of these regions, so that etcd loses its quorum. */
export type EtcdFault = { kind: 'etcd-quorum'; members: readonly string[] } & Lasting

const membersOption: FaultOption<string[]> = {
  flags: '--members <regions>',
  shown: 'REGION,REGION',
  help: 'members to pause',
  read: listOf,
}

const etcdQuorum: FaultDriver<EtcdFault> = {
  words: [],
  options: [membersOption],
  does: 'pauses a majority of the etcd members (default: not the primary’s), so that etcd loses its quorum',
  heals: 'SIGCONT',
  needs: 'anywhere',
  note: 'members are paused, not killed, because agents restart a killed member within a second',
  impairs: ({ members }) => members,
  parse: (input) => ({ kind: 'etcd-quorum', members: membersOf(input), forMs: input.forMs }),
  describe: ({ members }) => `pause etcd in ${describePlaces(members)}`,
  describeHealing: ({ members }) => `resume etcd in ${describePlaces(members)}`,
  ...stopping(({ members }) => members.map((region) => ({ region, process: 'etcd' }))),
}

export const etcdFaults = { 'etcd-quorum': etcdQuorum }

/** The default is the smallest set whose loss breaks the quorum, without the primary's region if possible. */
function membersOf({ kind, option, facts }: FaultInput): string[] {
  const voters = facts.regions.filter((one) => one.votes).map((one) => one.name)
  const needed = Math.ceil(voters.length / 2)
  const asked = option(membersOption)
  if (asked === undefined)
    return [...voters]
      .sort(
        (a, b) =>
          Number(a === facts.primary) - Number(b === facts.primary) || voters.indexOf(b) - voters.indexOf(a),
      )
      .slice(0, needed)
      .sort((a, b) => voters.indexOf(a) - voters.indexOf(b))
  const chosen = asked.map((name) => named('region', name, voters))
  if (chosen.length < needed)
    throw usage(
      'fault_majority_left',
      `${kind}: without ${chosen.join(', ')}, a majority of the ${voters.length} members remains`,
      `name at least ${needed}`,
    )
  return chosen
}
