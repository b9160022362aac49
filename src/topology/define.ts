import type { TopologyInput } from './input.ts'

/** Returns its argument. It exists so that an editor checks and completes the topology. */
export function defineTopology(topology: TopologyInput): TopologyInput {
  return topology
}
