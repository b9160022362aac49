import type { RegionStatus } from '../../agent/http/status.ts'
import { type DurabilityAsked, settledDurability } from '../../failover/durability.ts'

/** The state of the whole world at one time, from its agents. A region whose agent does not answer has no status. */
export type Sample = { atMs: number; regions: readonly { name: string; status?: RegionStatus }[] }

/** A shared view older than this is ignored. */
const viewMaxAgeMs = 5000

/** Everything is ready, healthy and in sync, with the requested durability. Pure. */
export function isSettled(sample: Sample, durability: DurabilityAsked, fullRegions: number): boolean {
  const wanted = settledDurability(durability, fullRegions)
  return sample.regions.every(({ status }) => {
    const world = status?.world
    if (!status?.ready || !world || world.ageMs > viewMaxAgeMs || status.etcd.error !== undefined)
      return false
    return (
      world.durability === wanted &&
      Object.values(world.health).every((health) => health === 'healthy') &&
      Object.values(world.lag).every((lag) => lag.streaming)
    )
  })
}

/** Reasons why the world has not settled, for an error message. */
export function unsettled(sample: Sample): string[] {
  return sample.regions.flatMap(({ name, status }) => {
    if (!status) return [`${name}: its agent does not answer`]
    const waiting = status.processes.filter((one) => one.state !== 'ready')
    const world = status.world
    return [
      ...waiting.map((one) => `${name}/${one.name} is ${one.state}${one.why ? ` (${one.why})` : ''}`),
      ...(status.etcd.error === undefined
        ? []
        : [`${name}: etcd did not take its last write (${status.etcd.error})`]),
      ...(world ? [`${name} reports durability ${world.durability}, ${healthOf(world.health)}`] : []),
    ]
  })
}

const healthOf = (health: Record<string, string>) =>
  Object.entries(health)
    .filter(([, state]) => state !== 'healthy')
    .map(([region, state]) => `${region} ${state}`)
    .join(', ') || 'all regions healthy'

/** Regions that a majority reports as unreachable, according to any agent that can write to etcd. */
export const unreachableIn = (sample: Sample): string[] => {
  const knowing = sample.regions.flatMap(({ status }) =>
    status?.world && status.world.ageMs < viewMaxAgeMs ? [status.world] : [],
  )
  const names = knowing.flatMap(({ health }) =>
    Object.entries(health).flatMap(([region, state]) => (state === 'unreachable' ? [region] : [])),
  )
  return [...new Set(names)]
}

/**
 * The view of the region that holds the primary, according to the freshest view. A primary that was cut off still
 * considers itself the primary for a while; undefined as long as no fresher view contradicts it.
 */
export function primaryView(sample: Sample): WorldView | undefined {
  const fresh = sample.regions.flatMap(({ name, status }) =>
    status?.world && status.world.ageMs < viewMaxAgeMs ? [{ name, view: status.world }] : [],
  )
  const freshest = fresh.sort((a, b) => a.view.ageMs - b.view.ageMs).find(({ view }) => view.primary)
  const primary = freshest?.view.primary
  return fresh.find(({ name, view }) => name === primary && view.primary === primary)?.view
}

type WorldView = NonNullable<RegionStatus['world']>
