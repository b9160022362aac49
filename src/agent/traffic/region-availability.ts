import { type AvailabilityByRegion, rampShare } from '../../steering/availability.ts'
import type { Snapshot } from '../coordination/snapshot.ts'

/**
 * Availability by the agreed health. A region that was healthy, was lost and returned gets its users back gradually. One
 * that is healthy for the first time in this run of the world gets them at once: it never had any, and the caches of
 * the others are as cold as its own.
 */
export class RegionAvailability {
  /** When a region became healthy again, by this agent's clock. Regions that were always healthy have no entry. */
  readonly #healthySince = new Map<string, { revision: string; at: number }>()

  /** `now`: a monotonic clock; `wallMs`: the clock that agents stamp changes of health with. */
  of(
    { health }: Pick<Snapshot, 'health'>,
    rampSeconds: number,
    now: number,
    wallMs: number,
  ): AvailabilityByRegion {
    const availability: Record<string, AvailabilityByRegion[string]> = {}
    for (const [region, { state, revision, sinceMs, first, at }] of Object.entries(health)) {
      if (state !== 'healthy') {
        this.#healthySince.set(region, { revision, at: now })
        availability[region] = { kind: state }
        continue
      }
      const known = this.#healthySince.get(region)
      // An agent that starts during a ramp continues it like the others, which have seen the change themselves.
      if (!known) this.#healthySince.set(region, { revision, at: now - ageOf(at, wallMs) })
      else if (known.revision !== revision) this.#healthySince.set(region, { revision, at: now - sinceMs })
      const sinceHealthyMs = now - this.#healthySince.get(region)!.at
      availability[region] = { kind: 'healthy', share: first ? 1 : rampShare(sinceHealthyMs, rampSeconds) }
    }
    return availability
  }
}

/** Entries of earlier versions have no time; a clock that is behind gives a negative age. */
const ageOf = (at: number | undefined, wallMs: number) =>
  at === undefined ? Infinity : Math.max(0, wallMs - at)
