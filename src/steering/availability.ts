/**
 * What steering knows of a region. `share` is the part of its users that a healthy region already gets, 0 to 1: a region
 * that comes back gets them back bit by bit. `unhealthy` does not work.
 */
export type Availability = { kind: 'healthy'; share: number } | { kind: 'unhealthy' }

/** By region name. A region that is not named is healthy: nothing speaks against it. */
export type AvailabilityByRegion = Readonly<Record<string, Availability>>

export const healthy: Availability = { kind: 'healthy', share: 1 }

const rampSteps = 10

/**
 * Share of its users that a region gets back `sinceMs` after it became healthy again. Ten steps, so that the map is
 * written ten times a ramp and not all the time; the first step is at once.
 */
export function rampShare(sinceMs: number, rampSeconds: number): number {
  if (rampSeconds <= 0 || sinceMs >= rampSeconds * 1000) return 1
  const step = Math.floor((Math.max(0, sinceMs) / (rampSeconds * 1000)) * rampSteps)
  return (step + 1) / rampSteps
}
