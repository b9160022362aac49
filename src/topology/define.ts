import type { TopologyInput } from './input.ts'

/** Gives an editor the types of a topology; returns its argument. */
export function defineTopology(topology: TopologyInput): TopologyInput {
  return topology
}
