import { locateEngineRoot } from '../engines/root/locate.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { exists, insideOf } from '../world/namespaces/enter.ts'
import { namespaceOf, ownPlaces, type Place, parseNamespace } from '../world/namespaces/names.ts'
import { baseParams, visitorLinks } from './links.ts'
import { regionNetwork, visitor, wanDevice } from './network/addresses.ts'
import { makeNetwork } from './network/make.ts'
import { labFolder, unregister } from './network/registry.ts'
import { labNamespaces, removeNetwork } from './network/remove.ts'
import {
  connectShaper,
  type Link,
  type LinkParams,
  type Shaper,
  startShaper,
  stopShaper,
} from './wan/index.ts'

/** A world in its own network, with latency between its regions. */
export type Lab = {
  id: string
  world: WorldHandle
  regions: readonly Region[]
  /** Opens a new connection to the shaper, from any namespace; the caller closes it. */
  wan(): Promise<Shaper>
  /** Command prefix that runs a command in the network of a place: a region, *internet* or *router*. */
  inside(place: string): readonly string[]
  /** Original settings of the link from one region to another. */
  base(from: string, to: string): LinkParams
}

/** The lab of a world. Its regions can be reached only from inside it. */
export function labOf(world: WorldHandle): Lab {
  const { lab } = world.record
  if (!lab)
    throw new NearsideError('lab_not_found', `${world.name}: not a lab`, {
      remedy: 'run `nearside lab up` to create a lab',
    })
  const { id, rttMs } = lab
  const known = world.record.topology.network.rttMs
  const region = (name: string) => regionNamed(world, name)
  return {
    id,
    world,
    regions: world.regions,
    wan: () => connectShaper(labFolder(id)),
    inside(place) {
      const own = ownPlaces.find((one) => one === place)
      const namespace = namespaceOf(id, own ?? region(place).index)
      if (!exists(namespace))
        throw new NearsideError('lab_network_missing', `${world.name}: the lab’s network is down`, {
          remedy: 'run `nearside lab up` to restore it',
        })
      return insideOf(namespace)
    },
    base: (from, to) => baseParams(region(from), region(to), rttMs, known),
  }
}

/**
 * Creates the missing parts of a lab's network: namespaces, veth pairs, shaper, links. Resolves to the names of what it
 * created. Changed links keep their settings, except that `newDelays` resets every delay. Call it under the world lock.
 */
export async function raiseLab(
  id: string,
  folder: string,
  regions: readonly Region[],
  base: readonly Link[],
  newDelays = false,
): Promise<string[]> {
  const places = await makeNetwork({ id, folder, indexes: regions.map((region) => region.index) })
  await startShaper({
    namespace: namespaceOf(id, 'router'),
    device: wanDevice,
    folder: labFolder(id),
    root: locateEngineRoot().path,
  })
  const shaper = await connectShaper(labFolder(id))
  try {
    const prefixes = regions.map(({ name, index }) => ({ place: name, prefix: regionNetwork(index) }))
    await shaper.places([...prefixes, { place: visitor.place, prefix: visitor.network }])
    const now = new Map((await shaper.params()).map((link) => [`${link.from} ${link.to}`, link.params]))
    const wanted = [...base, ...visitorLinks(regions)].flatMap(({ from, to, params }) => {
      const has = now.get(`${from} ${to}`)
      if (!has) return [{ from, to, params }]
      return newDelays ? [{ from, to, params: { ...has, delayMs: params.delayMs } }] : []
    })
    await shaper.set(wanted)
    const nameOf = (place: Place) =>
      typeof place === 'number' ? regions.find((region) => region.index === place)!.name : place
    return [...places.map(nameOf), ...(now.size === 0 ? ['shaper'] : [])]
  } finally {
    shaper.close()
  }
}

/** True if nothing of a lab's network exists except, possibly, the router's empty namespace. */
export const isFresh = (id: string) =>
  labNamespaces(id).every((name) => parseNamespace(name)?.place === 'router')

/** Removes a lab's network and every process in it. Its world must be stopped or dead. */
export async function removeLab(id: string): Promise<{ removed: boolean; ended: string[] }> {
  const removed = labNamespaces(id).length > 0
  await stopShaper(labFolder(id))
  const ended = await removeNetwork(id)
  unregister(id)
  return { removed, ended }
}
