import type { Location } from '../../src/geo/distance.ts'
import { fibreRoundTripMs } from '../../src/geo/rtt.ts'

/** A measured round trip between two places. */
export type Measured = { from: Location; to: Location; rttMs: number }
export type Fit = { pathFactor: number; constantMs: number }
export type FitError = {
  pairs: number
  medianMs: number
  p95Ms: number
  medianShare: number
  p95Share: number
}

/**
 * The line with the least sum of absolute errors, which is robust against outliers (cables around a continent), in
 * steps of 0.01 and 0.5 ms: the data do not support more digits. A pair weighs 1/√rtt: with equal weights, far pairs
 * would dominate, although near ones decide which region serves; with 1/rtt, near pairs would.
 */
export function fitRtt(measured: readonly Measured[]): Fit {
  const points = measured.map(({ from, to, rttMs }) => ({
    fibreMs: fibreRoundTripMs(from, to),
    rttMs,
    weight: 1 / Math.sqrt(rttMs),
  }))
  let best = { error: Number.POSITIVE_INFINITY, pathFactor: 1, constantMs: 0 }
  for (let hundredths = 100; hundredths <= 300; hundredths++) {
    for (let halves = 0; halves <= 100; halves++) {
      const [pathFactor, constantMs] = [hundredths / 100, halves / 2]
      let error = 0
      for (const { fibreMs, rttMs, weight } of points) {
        error += Math.abs(fibreMs * pathFactor + constantMs - rttMs) * weight
      }
      if (error < best.error) best = { error, pathFactor, constantMs }
    }
  }
  return { pathFactor: best.pathFactor, constantMs: best.constantMs }
}

/** Deviation of a line from the measurements; shares are of the measured round trip. */
export function fitError(measured: readonly Measured[], { pathFactor, constantMs }: Fit): FitError {
  const errors = measured.map(({ from, to, rttMs }) => {
    const ms = Math.abs(fibreRoundTripMs(from, to) * pathFactor + constantMs - rttMs)
    return { ms, share: ms / rttMs }
  })
  const ms = errors.map((error) => error.ms).sort((a, b) => a - b)
  const share = errors.map((error) => error.share).sort((a, b) => a - b)
  const at = (sorted: readonly number[], q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
  return {
    pairs: measured.length,
    medianMs: at(ms, 0.5),
    p95Ms: at(ms, 0.95),
    medianShare: at(share, 0.5),
    p95Share: at(share, 0.95),
  }
}
