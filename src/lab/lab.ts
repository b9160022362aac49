import { locateEngineRoot } from '../engines/root/locate.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { exists, insideOf } from '../world/namespaces/enter.ts'
import {
  namespaceOf,
  ownPlaces,
  type Place,
  parseNamespace,
  regionNetwork,
  visitor,
  wanDevice,
} from '../world/namespaces/names.ts'
import { baseParams, visitorLinks } from './links.ts'
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

/** A world in a network of its own, with distances between its regions. */
export type Lab = {
  id: string
  world: WorldHandle
  regions: readonly Region[]
  /** A new connection to the shaper, from whatever namespace; the caller closes it. */
  wan(): Promise<Shaper>
  /** Words before a command that run it in a place's network: a region's, or *internet*, or *router*. */
  inside(place: string): readonly string[]
  /** What the line from one region to another is like when nobody has changed it. */
  base(from: string, to: string): LinkParams
}

/** The lab that a world lives in. Its regions can be asked only from inside of it. */
export function labOf(world: WorldHandle): Lab {
  const { lab } = world.record
  if (!lab)
    throw new NearsideError('lab_not_found', `${world.name}: is no lab`, { remedy: 'nearside lab up' })
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
        throw new NearsideError(
          'lab_network_missing',
          `${world.name}: the lab has no network at the moment`,
          { remedy: 'nearside lab up makes it' },
        )
      return insideOf(namespace)
    },
    base: (from, to) => baseParams(region(from), region(to), rttMs, known),
  }
}

/**
 * Makes what is missing of a lab's network: namespaces, lines, shaper, links; resolves to the names of what had to be
 * made. Links that someone has changed stay as they are, but with `newDelays` every delay is set anew. To be called
 * under the world's lock.
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

/** True when nothing of a lab's network is there but, perhaps, the router's empty namespace. */
export const isFresh = (id: string) =>
  labNamespaces(id).every((name) => parseNamespace(name)?.place === 'router')

/** Removes a lab's network and everything that runs in it. Its world must have been stopped, or be dead. */
export async function removeLab(id: string): Promise<{ removed: boolean; ended: string[] }> {
  const removed = labNamespaces(id).length > 0
  await stopShaper(labFolder(id))
  const ended = await removeNetwork(id)
  unregister(id)
  return { removed, ended }
}
