import { type Durability, durabilityInForce } from '../../failover/durability.ts'
import { freshMs } from '../../failover/fresh.ts'
import { evaluate } from './health.ts'
import { primaryOf } from './primary.ts'
import type { RegionReport, WorldStatus } from './types.ts'

type Collected = Pick<WorldStatus, 'world' | 'domain' | 'durabilityAsked' | 'at' | 'stopping'> & {
  regions: readonly RegionReport[]
}

/**
 * Combines the regions' answers. Pure. State that the agents share comes from the agent with the freshest view. Once
 * that view is stale, the primary and its standbys come from the databases themselves, which are asked every time.
 */
export function combine({ regions, ...world }: Collected): WorldStatus {
  const best = regions
    .filter((one) => one.world !== undefined)
    .sort((a, b) => rank(a) - rank(b) || a.world!.ageMs - b.world!.ageMs)[0]
  const shared = best && {
    ageMs: best.world!.ageMs,
    from: best.region,
    ...(best.etcd?.error === undefined ? {} : { etcdError: best.etcd.error }),
  }
  const fresh = shared !== undefined && shared.ageMs <= freshMs
  const claims = regions.filter((one) => one.database?.role === 'primary').map((one) => one.region)
  const known = primaryOf(regions, best && { world: best.world!, fresh }, claims)
  const { primary } = known
  const durability = fresh ? best!.world!.durability : durabilityFrom(regions, primary, world.durabilityAsked)
  const status = {
    ...world,
    ...known,
    durability,
    ...(shared ? { shared } : {}),
    verdicts: best?.verdicts ?? [],
    regions: regions.map((one) => {
      const health = best?.world?.health[one.region]
      const lag = best?.world?.lag[one.region]
      return { ...one, ...(health ? { health } : {}), ...(lag ? { lag } : {}) }
    }),
  }
  const { health, problems } = evaluate(status, claims)
  const { world: name, domain, at, ...rest } = status
  return { world: name, domain, at, health, problems, ...rest }
}

const rank = (one: RegionReport) => (one.etcd?.error === undefined ? 0 : 1)

/** By the databases' own answers: the primary's standbys, and each standby's Patroni on whether it may take over. */
function durabilityFrom(
  regions: readonly RegionReport[],
  primary: string | undefined,
  asked: WorldStatus['durabilityAsked'],
): Durability {
  const databaseOf = (region: string | undefined) => regions.find((one) => one.region === region)?.database
  return durabilityInForce({
    asked,
    standbys: databaseOf(primary)?.standbys,
    isRecorded: (region) => databaseOf(region)?.recorded,
  })
}
