import { mostUsers } from '../engines/haproxy/limits.ts'
import type { Machine } from '../engines/machine.ts'
import type { Problem } from '../topology/problems.ts'
import { regionsOf } from '../topology/regions.ts'
import type { Topology } from '../topology/schema.ts'

const shown = (value: number) => value.toLocaleString('en-US')

/** Whether this machine can give users the connections that the topology asks for. Pure. */
export function edgeLimitWarnings(topology: Topology, machine: Machine): Problem[] {
  const asked = topology.edge.maxConnections
  if (asked === undefined) return []
  const short = regionsOf(topology)
    .filter((region) => region.serves)
    .map((region) => ({ name: region.name, most: mostUsers(topology, region, machine) }))
    .filter(({ most }) => most < asked)
  if (short.length === 0) return []
  const least = Math.min(...short.map(({ most }) => most))
  return [
    {
      path: 'edge.maxConnections',
      message: `expected at most ${shown(least)} with this machine’s limit of ${shown(machine.openFiles)} open files and its memory, got ${shown(asked)}: ${short[0]!.name} will take ${shown(short[0]!.most)}`,
      remedy: 'raise the limit of open files (`ulimit -n`, LimitNOFILE=), or write a smaller number',
    },
  ]
}
