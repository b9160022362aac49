import { regionsOf } from '../../topology/regions.ts'
import type { Topology } from '../../topology/schema.ts'
import { isLocal } from '../here.ts'
import { needsOf, takenLines, type Use, usesOf } from '../ports.ts'
import { type Finding, ok } from './finding.ts'

/** Ports that a topology needs on this machine, and the processes that hold them. `folder` is its own world's. */
export function portFindings(topology: Topology, folder: string | undefined): Finding[] {
  const regions = regionsOf(topology).filter((region) => isLocal(region.address))
  const needs = regions.flatMap((region) => needsOf(topology, region))
  return evaluatePorts(needs.length, usesOf(needs), folder)
}

/** Pure. */
export function evaluatePorts(needed: number, uses: readonly Use[], folder: string | undefined): Finding[] {
  const own = uses.filter(({ holder }) => folder !== undefined && holder.origin?.world === folder)
  const others = uses.filter((use) => !own.includes(use))
  if (others.length === 0)
    return [ok('ports', `${needed} needed: ${own.length} in use by this world, ${needed - own.length} free`)]
  return [...Map.groupBy(others, ({ need }) => need.region).values()].map((uses) => ({
    check: 'ports',
    state: 'problem',
    message: takenLines(uses)[0]!,
    remedy: uses.some(({ holder }) => holder.origin)
      ? 'stop that world, or set another network.base in one of them'
      : 'stop it, or set another port under ports in the topology',
  }))
}
