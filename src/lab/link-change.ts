import { bitsPerSecond, durationMs, share } from '../lib/quantities.ts'
import type { LinkParams } from './wan/index.ts'

/** What the shaper accepts. */
export const delayBounds = { most: 60_000 }
export const rateBounds = { least: 1000, most: 1e12 }

/** What people type for a link. */
export const linkQuantities = {
  delay: durationMs({ ...delayBounds, example: '40ms' }),
  loss: share({ least: 0, example: '1%' }),
  rate: bitsPerSecond({ ...rateBounds, example: '100mbit' }),
}

/** What `nearside lab link` was asked to change; what is absent stays. */
export type Change = {
  delay?: number
  jitter?: number
  loss?: number
  rate?: number
  cut?: boolean
  cutOneWay?: boolean
  oneWay?: boolean
}

/** What cannot be meant together, as far as it can be told without the link. Pure. */
export function contradiction(typed: Change, args: readonly string[]): string | undefined {
  const takesBack = args.includes('--no-cut')
  if (takesBack && (args.includes('--cut') || typed.cutOneWay))
    return `--no-cut: says the opposite of ${typed.cutOneWay ? '--cut-one-way' : '--cut'}`
  return undefined
}

/** A delay that wanders by more than itself would be one below 0. Pure. */
export const wandersTooFar = ({ delayMs, jitterMs }: LinkParams) => jitterMs > delayMs

/** Pure. */
export function changed(
  params: LinkParams,
  { delay, jitter, loss, rate, cut, cutOneWay }: Change,
): LinkParams {
  return {
    delayMs: delay ?? params.delayMs,
    jitterMs: jitter ?? params.jitterMs,
    lossShare: loss ?? params.lossShare,
    rateBitsPerSecond: rate ?? params.rateBitsPerSecond,
    cut: cutOneWay ? true : (cut ?? params.cut),
  }
}
