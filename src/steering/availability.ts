/**
 * A region as steering sees it. `share` is the fraction of its users that a healthy region gets, 0 to 1: a region that
 * comes back gets its users back gradually. `unhealthy` answers but cannot serve everything, `unreachable` does not
 * answer at all: see `computeAnswers` for the difference.
 */
export type Availability =
  | { kind: 'healthy'; share: number }
  | { kind: 'unhealthy' }
  | { kind: 'unreachable' }

/** By region name. A region that is missing is healthy. */
export type AvailabilityByRegion = Readonly<Record<string, Availability>>

export const healthy: Availability = { kind: 'healthy', share: 1 }

const rampSteps = 10

/**
 * Share of its users that a region gets `sinceMs` after it became healthy again. It grows in ten steps, the first of
 * them immediate, so a ramp writes the map ten times instead of continuously.
 */
export function rampShare(sinceMs: number, rampSeconds: number): number {
  if (rampSeconds <= 0 || sinceMs >= rampSeconds * 1000) return 1
  const step = Math.floor((Math.max(0, sinceMs) / (rampSeconds * 1000)) * rampSteps)
  return (step + 1) / rampSteps
}
