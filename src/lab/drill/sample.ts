import type { RegionStatus } from '../../agent/http/status.ts'
import { type DurabilityAsked, settledDurability } from '../../failover/durability.ts'

/** One look at the whole world, by what its agents say; a region whose agent is silent has no status. */
export type Sample = { atMs: number; regions: readonly { name: string; status?: RegionStatus }[] }

/** Answers older than this say nothing about now. */
const freshMs = 5000

/** Everything ready, healthy and in sync, with the durability that was asked for. Pure. */
export function isSettled(sample: Sample, durability: DurabilityAsked, fullRegions: number): boolean {
  const wanted = settledDurability(durability, fullRegions)
  return sample.regions.every(({ status }) => {
    const world = status?.world
    if (!status?.ready || !world || world.ageMs > freshMs || status.etcd.error !== undefined) return false
    return (
      world.durability === wanted &&
      Object.values(world.health).every((health) => health === 'healthy') &&
      Object.values(world.lag).every((lag) => lag.streaming)
    )
  })
}

/** What keeps it from being settled, in words; for an error's message. */
export function unsettled(sample: Sample): string[] {
  return sample.regions.flatMap(({ name, status }) => {
    if (!status) return [`${name}: its agent does not answer`]
    const waiting = status.processes.filter((one) => one.state !== 'ready')
    const world = status.world
    return [
      ...waiting.map((one) => `${name}/${one.name} is ${one.state}${one.why ? ` (${one.why})` : ''}`),
      ...(status.etcd.error === undefined ? [] : [`${name}: etcd cannot be written (${status.etcd.error})`]),
      ...(world ? [`${name} sees durability ${world.durability}, ${healthOf(world.health)}`] : []),
    ]
  })
}

const healthOf = (health: Record<string, string>) =>
  Object.entries(health)
    .filter(([, state]) => state !== 'healthy')
    .map(([region, state]) => `${region} ${state}`)
    .join(', ') || 'all regions healthy'

/** What a majority calls lost, as far as any agent that can write to etcd knows. */
export const lostIn = (sample: Sample): string[] => {
  const knowing = sample.regions.flatMap(({ status }) =>
    status?.world && status.world.ageMs < freshMs ? [status.world] : [],
  )
  const names = knowing.flatMap(({ health }) =>
    Object.entries(health).flatMap(([region, state]) => (state === 'unreachable' ? [region] : [])),
  )
  return [...new Set(names)]
}

/**
 * What the region says that holds the primary by the freshest word. A primary that was cut off goes on for a while to
 * take itself for one; undefined while nobody knows better than that.
 */
export function primaryWord(sample: Sample): WorldWord | undefined {
  const fresh = sample.regions.flatMap(({ name, status }) =>
    status?.world && status.world.ageMs < freshMs ? [{ name, word: status.world }] : [],
  )
  const freshest = fresh.sort((a, b) => a.word.ageMs - b.word.ageMs).find(({ word }) => word.primary)
  const primary = freshest?.word.primary
  return fresh.find(({ name, word }) => name === primary && word.primary === primary)?.word
}

type WorldWord = NonNullable<RegionStatus['world']>
