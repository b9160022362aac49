import type { WorldHandle } from '../world/handle.ts'
import { exists } from '../world/namespaces/enter.ts'
import { namespaceOf, ownPlaces } from '../world/namespaces/names.ts'
import { worldStatus } from '../world/status/collect.ts'
import type { Health } from '../world/status/types.ts'
import { type Lab, labOf } from './lab.ts'
import { usersNetwork } from './network/addresses.ts'
import type { Link, LinkParams, LinkStats, Totals } from './wan/index.ts'

/** One direction between two regions. */
export type ShownLink = {
  from: string
  to: string
  params: LinkParams
  /** The original settings. */
  base: LinkParams
  changed: boolean
  stats?: Omit<LinkStats, 'from' | 'to'>
}

/** The output of `nearside lab status --json`. Fields may be added, but never change and never disappear. */
export type LabStatus = {
  lab: string
  world: string
  folder: string
  /** `up`: packets are forwarded. `no shaper`: none are. `down`: there is no network. */
  network: 'up' | 'no shaper' | 'down'
  health: Health
  primary?: string
  places: { place: string; namespace: string; addresses: string }[]
  links: ShownLink[]
  /** Cities of simulated users that currently have links. */
  cities: number
  totals?: Totals
}

export async function labStatus(world: WorldHandle): Promise<LabStatus> {
  const lab = labOf(world)
  const [wan, { health, primary }] = await Promise.all([wanOf(lab), worldStatus(world)])
  const there = exists(namespaceOf(lab.id, 'router'))
  return {
    lab: lab.id,
    world: world.name,
    folder: world.folder,
    network: wan ? 'up' : there ? 'no shaper' : 'down',
    health,
    ...(primary === undefined ? {} : { primary }),
    places: [
      ...lab.regions.map(({ name, index, address }) => {
        return { place: name, namespace: namespaceOf(lab.id, index), addresses: address }
      }),
      ...ownPlaces.map((place) => {
        const addresses = place === 'internet' ? usersNetwork : 'for the operator: unshaped, never cut'
        return { place, namespace: namespaceOf(lab.id, place), addresses }
      }),
    ],
    links: wan ? linksOf(lab, wan.links, wan.stats) : [],
    cities: new Set(wan?.links.map(({ from }) => from).filter(isCity)).size,
    ...(wan ? { totals: wan.totals } : {}),
  }
}

async function wanOf(lab: Lab): Promise<{ links: Link[]; stats: LinkStats[]; totals: Totals } | undefined> {
  const shaper = await lab.wan().catch(() => undefined)
  if (!shaper) return undefined
  try {
    const [links, stats, totals] = await Promise.all([shaper.params(), shaper.stats(), shaper.totals()])
    return { links, stats, totals }
  } catch {
    return undefined
  } finally {
    shaper.close()
  }
}

const isCity = (place: string) => place.startsWith('city:')

function linksOf(lab: Lab, links: readonly Link[], stats: readonly LinkStats[]): ShownLink[] {
  const known = new Set(lab.regions.map((region) => region.name))
  const counted = new Map(stats.map(({ from, to, ...rest }) => [`${from} ${to}`, rest]))
  return links
    .filter(({ from, to }) => known.has(from) && known.has(to))
    .map(({ from, to, params }) => {
      const base = lab.base(from, to)
      const found = counted.get(`${from} ${to}`)
      return { from, to, params, base, changed: !sameLine(params, base), ...(found ? { stats: found } : {}) }
    })
}

/** The shaper stores delays in microseconds. */
const sameLine = (a: LinkParams, b: LinkParams) =>
  Math.abs(a.delayMs - b.delayMs) < 0.001 &&
  a.jitterMs === b.jitterMs &&
  a.lossShare === b.lossShare &&
  a.rateBitsPerSecond === b.rateBitsPerSecond &&
  a.cut === b.cut
