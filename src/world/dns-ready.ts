import { list } from '../lib/format.ts'
import type { Sample } from './start.ts'

/**
 * What DNS in these regions still waits for until every answer is the one of a settled world; undefined when nothing.
 * A GeoIP database that cannot be used is not waited for: DNS works without it, and status reports it. Pure.
 */
export function dnsWaitsFor(samples: readonly Sample[]): string | undefined {
  const serving = samples.filter(({ region }) => region.serves)
  const names = (holds: (sample: Sample) => boolean) =>
    list(serving.filter(holds).map(({ region }) => region.name))
  const steering = (sample: Sample) => sample.status?.steering
  const silent = names((one) => (steering(one)?.kind ?? 'building') !== 'answering')
  const percents = serving.flatMap((one) => {
    const { table, percent } = steering(one) ?? {}
    return table?.kind === 'uniform' && percent !== undefined ? [percent] : []
  })
  if (percents.length > 0) return `waiting for the steering table (${Math.min(...percents)} %)`
  if (silent !== '') return `waiting for DNS in ${silent}`
  const unsettled = names((one) => {
    const { table, problem, wanted, agreed } = steering(one)!
    return problem === undefined && (table?.kind !== 'agreed' || wanted !== agreed)
  })
  if (unsettled !== '') return `waiting for ${unsettled} to agree on the steering table`
  const without = serving.filter(({ region }) =>
    serving.some((one) => (steering(one)!.shares?.[region.name] ?? 1) === 0),
  )
  if (without.length === 0) return undefined
  return `waiting for DNS to send users to ${list(without.map(({ region }) => region.name))}`
}

/** Whether a table is being computed: that ends by itself, so waiting for it has no limit. */
export const isComputing = (samples: readonly Sample[]): boolean =>
  samples.some(({ status }) => status?.steering?.percent !== undefined)
