import type { RegionContext } from '../../src/engines/context.ts'
import { sampleMachine } from '../../src/engines/machine.ts'
import { othersByDistance, regionsOf } from '../../src/topology/regions.ts'
import { type Topology, type TopologyInput, topologySchema } from '../../src/topology/schema.ts'
import { type Secrets, secretNames } from '../../src/topology/secrets.ts'

/** Topologies that the rendering tests of several engines share. */

export const usEast = { location: { lat: 39.04, lon: -77.49 } }
export const usWest = { location: { lat: 45.84, lon: -119.7 } }
export const euWest = { location: { lat: 53.35, lon: -6.26 } }
export const saEast = { location: { lat: -23.55, lon: -46.63 }, role: 'edge' as const }
export const usCentral = { location: { lat: 41.26, lon: -95.86 }, role: 'witness' as const }

export const twoRegions = { 'us-east': usEast, 'us-west': usWest, 'us-central': usCentral }
export const threeRegions = { 'us-east': usEast, 'us-west': usWest, 'eu-west': euWest }
export const withEdge = { ...threeRegions, 'sa-east': saEast }

export function topologyOf(
  regions: TopologyInput['regions'],
  changes: Partial<Omit<TopologyInput, 'app'>> & { app?: Partial<TopologyInput['app']> } = {},
): Topology {
  const { app, ...rest } = changes
  return topologySchema.parse({
    name: 'shop',
    domain: 'shop.example.com',
    regions,
    app: { command: ['node', 'server.ts'], static: ['/assets/*'], ...app },
    ...rest,
  })
}

export const sampleSecrets = Object.fromEntries(
  secretNames.map((name) => [name, `sample-${name}`]),
) as Secrets

export function contextFor(
  topology: Topology,
  name: string,
  folder = `/world/regions/${name}`,
  machine = sampleMachine,
): RegionContext {
  const regions = regionsOf(topology)
  const region = regions.find((candidate) => candidate.name === name)!
  return {
    topology,
    region,
    regions,
    others: othersByDistance(regions, region),
    secrets: sampleSecrets,
    folder,
    appFolder: '/app',
    machine,
  }
}
