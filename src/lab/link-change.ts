import { bitsPerSecond, durationMs, share } from '../lib/quantities.ts'
import type { LinkParams } from './wan/index.ts'

/** The range that the shaper accepts. */
export const delayBounds = { most: 60_000 }
export const rateBounds = { least: 1000, most: 1e12 }

/** The quantities of a link's options. */
export const linkQuantities = {
  delay: durationMs({ ...delayBounds, example: '40ms' }),
  loss: share({ least: 0, example: '1%' }),
  rate: bitsPerSecond({ ...rateBounds, example: '100mbit' }),
}

/** Changes requested from `nearside lab link`; missing fields stay as they are. */
export type Change = {
  delay?: number
  jitter?: number
  loss?: number
  rate?: number
  cut?: boolean
  cutOneWay?: boolean
  oneWay?: boolean
}

/** Contradictions between options that show without looking at the link. Pure. */
export function contradiction(typed: Change, args: readonly string[]): string | undefined {
  const takesBack = args.includes('--no-cut')
  if (takesBack && (args.includes('--cut') || typed.cutOneWay))
    return `--no-cut: contradicts ${typed.cutOneWay ? '--cut-one-way' : '--cut'}`
  return undefined
}

/** More jitter than delay would make the delay negative. Pure. */
export const jitterExceedsDelay = ({ delayMs, jitterMs }: LinkParams) => jitterMs > delayMs

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
