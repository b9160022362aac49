/**
 * What steering knows of a region. `share` is the part of its users that a fit region already gets, 0 to 1: a region
 * that comes back gets them back bit by bit. `drained` works but is to be left alone; `unfit` does not work.
 */
export type Fitness = { kind: 'fit'; share: number } | { kind: 'drained' } | { kind: 'unfit' }

/** By region name. A region that is not named is fit: nothing speaks against it. */
export type FitnessByRegion = Readonly<Record<string, Fitness>>

export const fit: Fitness = { kind: 'fit', share: 1 }

const rampSteps = 10

/**
 * Share of its users that a region gets back `sinceMs` after it became fit again. Ten steps, so that the map is
 * written ten times a ramp and not all the time; the first step is at once.
 */
export function rampShare(sinceMs: number, rampSeconds: number): number {
  if (rampSeconds <= 0 || sinceMs >= rampSeconds * 1000) return 1
  const step = Math.floor((Math.max(0, sinceMs) / (rampSeconds * 1000)) * rampSteps)
  return (step + 1) / rampSteps
}
