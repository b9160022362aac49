import { join } from 'node:path'
import type { Event } from '../../agent/coordination/keys/event.ts'
import { eventsOf } from '../../world/events.ts'
import { regionStatus, type WorldHandle } from '../../world/handle.ts'
import { inject } from '../faults/inject.ts'
import type { FaultTarget } from '../faults/target.ts'
import { clockMs } from '../history.ts'
import type { Workload, WorkloadOptions } from '../workloads/types.ts'
import type { DrillWorld } from './types.ts'

/** An agent that takes longer counts as unresponsive, so that a sample does not wait for a failed region. */
const lookMs = 700

/** A world on this machine, as a drill needs it. */
export function drillWorldOf(
  world: WorldHandle,
  target: FaultTarget,
  workloads: readonly Workload[],
  users?: DrillWorld['users'],
): DrillWorld {
  return {
    name: world.name,
    topology: world.record.topology,
    fullRegions: world.regions.filter((region) => region.full).length,
    inject: (fault) => inject(target, fault),
    async sample() {
      const regions = await Promise.all(
        world.regions.map(async (region) => {
          const status = await regionStatus(world, region, lookMs)
          return { name: region.name, ...(status ? { status } : {}) }
        }),
      )
      return { atMs: clockMs(), regions }
    },
    events: () => eventsOf(world) as Promise<Event[]>,
    workloads,
    users,
  }
}

export type LoadChoice = {
  /** `auto`: also orders, if the app is the shop. */
  app: 'auto' | 'shop' | 'none'
  writesPerSecond?: number | undefined
  readsPerSecond?: number | undefined
  seed: number
}

/** Per second, for each region whose edge serves users. */
const defaultRates = {
  ledger: { writesPerSecond: 20, readsPerSecond: 40 },
  orders: { writesPerSecond: 5, readsPerSecond: 10 },
} as const

const shopFolder = join(import.meta.dirname, '../../../examples/shop')

export const isShop = (world: Pick<WorldHandle, 'record'>) => world.record.appFolder === shopFolder

export async function workloadsOf(world: WorldHandle, choice: LoadChoice): Promise<Workload[]> {
  const { ledgerWorkload, ordersWorkload } = await import('../workloads/index.ts')
  const { topology } = world.record
  const place = { topology, regions: world.regions, secrets: world.secrets }
  const rates = (name: keyof typeof defaultRates): WorkloadOptions => ({
    ...defaultRates[name],
    ...(choice.writesPerSecond === undefined ? {} : { writesPerSecond: choice.writesPerSecond }),
    ...(choice.readsPerSecond === undefined ? {} : { readsPerSecond: choice.readsPerSecond }),
    seed: choice.seed,
  })
  const orders = choice.app === 'shop' || (choice.app === 'auto' && isShop(world))
  return [ledgerWorkload(place, rates('ledger')), ...(orders ? [ordersWorkload(place, rates('orders'))] : [])]
}

type UsersChoice = { ratePerSecond: number; places: string }

/** Users who browse the shop; the orders workload places the orders. */
export async function usersOf(world: WorldHandle, { ratePerSecond, places }: UsersChoice) {
  const [{ runUsers }, { parsePlaces }, { loadCities }, { shopMix }] = await Promise.all([
    import('../users/run.ts'),
    import('../users/plan/places.ts'),
    import('../../geo/cities.ts'),
    import('../users/plan/shop-mixes.ts'),
  ])
  const chosen = parsePlaces(places, await loadCities(), undefined)
  const lab = world.record.lab ? (await import('../lab.ts')).labOf(world) : undefined
  return (seed: number) => (signal: AbortSignal, onStart: () => void) =>
    runUsers({
      world,
      lab,
      ratePerSecond,
      mix: shopMix('browse'),
      places: chosen,
      placesText: places,
      forMs: Number.POSITIVE_INFINITY,
      seed,
      signal,
      onStart,
    })
}
