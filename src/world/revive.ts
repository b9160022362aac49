import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { agentProcess, type StartedAgent, startAgent, workingAgent } from './agents.ts'
import type { WorldHandle } from './handle.ts'
import { localRegions } from './here.ts'
import { hint } from './hint.ts'
import { preflight } from './preflight.ts'
import { durable, follows, type Sample } from './start.ts'

/** Revives a region on this machine: starts it and reports what it still waits for. */

/** Starts the region's agent unless one is running. Returns the started agent by region. */
export async function startRegion(world: WorldHandle, region: Region): Promise<Map<string, StartedAgent>> {
  if (await workingAgent(world, region)) return new Map()
  await preflight(world, [region])
  return new Map([[region.name, await startAgent(world, region)]])
}

type Back = 'database' | 'health' | 'back'

/**
 * Agents agree that a region is healthy after twice `suspectMs` and a few samples. After this, stop waiting for them.
 */
const healthyWithinMs = 30_000

/** What a running region still waits for. Pure, but remembers since when only health is missing. */
export function whenBack(world: WorldHandle, region: Region) {
  // The primary's own region has no sync standby to wait for.
  const leads = (samples: readonly Sample[]) =>
    samples.some(({ status }) => status?.database?.role === 'primary')
  const inSync = (samples: readonly Sample[]) => !region.full || leads(samples) || durable(world, samples)
  const healthy = (samples: readonly Sample[]) =>
    samples.some(({ status }) => status?.world?.health[region.name] === 'healthy')
  let since: number | undefined
  return (samples: readonly Sample[], now: number): Back => {
    if (!samples.every(follows) || !inSync(samples)) return 'database'
    since ??= now
    return healthy(samples) || now - since >= healthyWithinMs ? 'back' : 'health'
  }
}

/** Describes what the region waits for. Pure. */
export function waitsFor(missing: Back, samples: readonly Sample[]): string | undefined {
  if (missing === 'back') return undefined
  if (missing === 'health') return 'waiting for the agents to agree that it is healthy'
  return samples.some(({ status }) => status?.database?.missingWal !== undefined)
    ? 'the primary no longer has the WAL that its database needs: waiting for replica reinit'
    : 'waiting for its database to catch up with the primary'
}

/** Long enough for an election after Patroni's TTL. */
const primaryWithinMs = 45_000

/**
 * A replica that comes back alone has no primary to follow. It does not take over, because the old primary may have
 * writes that it lacks. Waiting would never end, so this throws.
 */
export function primaryMustCome(world: WorldHandle, region: Region) {
  let since: number | undefined
  return (samples: readonly Sample[], now: number): void => {
    const without = samples.some(({ status }) => status?.world && status.world.primary === undefined)
    since = without ? (since ?? now) : undefined
    if (since === undefined || now - since < primaryWithinMs) return
    const dead = localRegions(world).filter(
      (one) => one.full && one !== region && agentProcess(world, one) === undefined,
    )
    throw new NearsideError(
      'no_primary',
      `${region.name} runs, but no region holds the primary, so its database cannot replicate`,
      {
        remedy: dead.map((one) => hint(world, `revive ${one.name}`)).join('\n') || hint(world, 'status'),
      },
    )
  }
}
