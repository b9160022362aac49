import { NearsideError } from '../lib/errors.ts'
import type { LoadedTopology } from '../topology/load.ts'
import { ownPlaces } from '../world/namespaces/names.ts'
import { nodeOptions } from './faults/app-control.ts'
import { labBase } from './network/addresses.ts'

/**
 * The topology as a lab runs it: a separate world, besides the one that `nearside up` creates from the same file, with
 * addresses that exist only in its namespaces.
 */
export function labTopology(loaded: LoadedTopology): LoadedTopology {
  const { topology } = loaded
  const name = `${topology.name}-lab`
  if (name.length > 63)
    throw new NearsideError(
      'lab_name_too_long',
      `${topology.name}: expected at most 59 characters, because its lab is named ${name}`,
      { remedy: 'shorten the name of the topology' },
    )
  const taken = ownPlaces.find((place) => place in topology.regions)
  if (taken)
    throw new NearsideError(
      'lab_region_name',
      `regions.${taken}: expected another name, because ${taken} is a place in every lab`,
      { remedy: 'rename the region' },
    )
  const regions = Object.entries(topology.regions).map(([region, { address, ...rest }]) => [region, rest])
  return {
    ...loaded,
    topology: {
      ...topology,
      name,
      network: { ...topology.network, base: labBase },
      regions: Object.fromEntries(regions),
    },
  }
}

/** Adds the preload that lets faults make the apps of a lab answer 500, leak memory or shift their clock. */
export function withAppFaults(loaded: LoadedTopology): LoadedTopology {
  const { topology } = loaded
  const env = { ...topology.app.env, NODE_OPTIONS: nodeOptions(topology.app.env.NODE_OPTIONS) }
  return { ...loaded, topology: { ...topology, app: { ...topology.app, env } } }
}
