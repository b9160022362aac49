import type { LinkParams } from '../../lab/wan/index.ts'

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
