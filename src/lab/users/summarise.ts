import type { Location } from '../../geo/distance.ts'
import { countUpTo, quantile } from './quantiles.ts'
import type { Latency, Part, PlacePart, Timed, UsersResult } from './result.ts'
import type { Samples } from './samples.ts'

type Summary = {
  samples: Samples
  /** By the samples' index. */
  places: readonly { name: string; area: string; location: Location }[]
  regions: readonly { name: string; location: Location }[]
  slo: { latencyMs: number; share: number }
  ranMs: number
}

/** Everything in a result that is derived from the samples. */
export function summarise(
  summary: Summary,
): Omit<
  UsersResult,
  'world' | 'asked' | 'startedAt' | 'startedMs' | 'stopped' | 'unanswered' | 'distances' | 'users' | 'effort'
> {
  const { samples, places, regions, slo, ranMs } = summary
  const groups = {
    all: new Groups(slo.latencyMs),
    warmth: new Groups(slo.latencyMs),
    areas: new Groups(slo.latencyMs),
    places: new Groups(slo.latencyMs),
    regions: new Groups(slo.latencyMs),
    kinds: new Groups(slo.latencyMs),
    steps: new Groups(slo.latencyMs),
  }
  const [dnsMs, connectMs]: [number[], number[]] = [[], []]
  const errors = new Map<string, { count: number; firstAtMs: number; lastAtMs: number }>()
  const served = new Map<string, number>()
  const visitors = new Map<number, { requests: number; fast: number }>()
  const edges = new Map<string, Map<string, number>>()
  const everyMs = stepFor(ranMs)
  const stepCount = Math.ceil(ranMs / everyMs)

  for (const sample of samples) {
    const { atMs, latencyMs, error, edge } = sample
    const place = places[sample.place]!
    const cold = sample.connectMs > 0 || sample.dnsMs > 0
    const add = (group: keyof typeof groups, name: string) =>
      groups[group].add(name, error ? undefined : latencyMs)
    add('all', 'all')
    add('warmth', cold ? 'cold' : 'warm')
    add('areas', place.area)
    add('places', String(sample.place))
    add('kinds', sample.kind)
    // Assets may be due after the end of the run; they count in the last step.
    add('steps', String(Math.min(Math.floor(atMs / everyMs), stepCount - 1)))
    if (edge !== undefined) add('regions', edge)
    const visitor = visitors.get(sample.visitor) ?? { requests: 0, fast: 0 }
    visitor.requests += 1
    if (!error && latencyMs <= slo.latencyMs) visitor.fast += 1
    visitors.set(sample.visitor, visitor)
    if (sample.dnsMs > 0 && !error) dnsMs.push(sample.dnsMs)
    if (sample.connectMs > 0 && !error) connectMs.push(sample.connectMs)
    if (error !== undefined) {
      const known = errors.get(error)
      errors.set(error, {
        count: (known?.count ?? 0) + 1,
        firstAtMs: Math.min(known?.firstAtMs ?? atMs, atMs),
        lastAtMs: Math.max(known?.lastAtMs ?? atMs, atMs),
      })
    }
    const way = JSON.stringify([place.area, edge ?? 'none', sample.servedBy ?? (error ? 'none' : 'unknown')])
    served.set(way, (served.get(way) ?? 0) + 1)
    if (edge !== undefined) {
      const ofPlace = edges.get(String(sample.place)) ?? new Map<string, number>()
      edges.set(String(sample.place), ofPlace.set(edge, (ofPlace.get(edge) ?? 0) + 1))
    }
  }

  const all = groups.all.part('all')
  const warm = groups.warmth.part('warm')
  const areas = groups.areas.parts()
  const bounds = boundsFor(groups.all.sorted('all'), slo.latencyMs)
  const bySize = <T extends { requests: number }>(a: T, b: T) => b.requests - a.requests
  return {
    ranMs,
    all,
    warm,
    cold: {
      ...groups.warmth.part('cold'),
      named: timed(dnsMs),
      connected: timed(connectMs),
    },
    areas,
    places: groups.places.parts().map((part): PlacePart => {
      const { name, area, location } = places[Number(part.name)]!
      const named = [...(edges.get(part.name) ?? [])].map(([edge, requests]) => ({ name: edge, requests }))
      return { ...part, name, area, location, edges: named.sort(bySize) }
    }),
    regions: groups.regions.parts().map((part) => {
      const location = regions.find(({ name }) => name === part.name)?.location ?? { lat: 0, lon: 0 }
      return { ...part, location }
    }),
    kinds: groups.kinds.parts(),
    errors: [...errors]
      .map(([error, about]) => ({ error, ...about, share: about.count / all.requests }))
      .sort((a, b) => b.count - a.count),
    served: [...served]
      .map(([way, requests]) => {
        const [area, edge, servedBy] = JSON.parse(way) as [string, string, string]
        return { area, edge, servedBy, requests }
      })
      .sort(bySize),
    slo: {
      ...slo,
      fastShare: all.fastShare,
      met: all.requests > 0 && all.fastShare >= slo.share,
      warmFastShare: warm.fastShare,
      usersFastShare: shareOf([...visitors.values()], ({ requests, fast }) => 2 * fast >= requests),
    },
    histogram: {
      boundsMs: bounds,
      areas: areas.map(({ name }) => ({ name, counts: binned(groups.areas.sorted(name), bounds) })),
    },
    curves: areas.map(({ name, requests }) => ({
      name,
      points: curveOf(groups.areas.sorted(name), requests),
    })),
    timeline: {
      everyMs,
      steps: Array.from({ length: stepCount }, (_, step) => {
        const { requests, failed, latency } = groups.steps.part(String(step))
        return { atMs: step * everyMs, requests, failed, p50: latency.p50, p95: latency.p95 }
      }),
    },
  }
}

function shareOf<T>(all: readonly T[], holds: (one: T) => boolean): number {
  return all.length === 0 ? 0 : all.filter(holds).length / all.length
}

class Groups {
  readonly #groups = new Map<string, { values: number[]; failed: number; sorted?: Float64Array }>()
  readonly #fastMs: number

  constructor(fastMs: number) {
    this.#fastMs = fastMs
  }

  add(name: string, latencyMs: number | undefined): void {
    let group = this.#groups.get(name)
    if (!group) {
      group = { values: [], failed: 0 }
      this.#groups.set(name, group)
    }
    if (latencyMs === undefined) group.failed += 1
    else group.values.push(latencyMs)
  }

  sorted(name: string): Float64Array {
    const group = this.#groups.get(name)
    if (!group) return new Float64Array()
    group.sorted ??= sortedOf(group.values)
    return group.sorted
  }

  part(name: string): Part {
    const sorted = this.sorted(name)
    const failed = this.#groups.get(name)?.failed ?? 0
    const requests = sorted.length + failed
    const fastShare = requests === 0 ? 0 : countUpTo(sorted, this.#fastMs) / requests
    return { name, requests, failed, latency: latencyOf(sorted), fastShare }
  }

  /** Most requests first. */
  parts(): Part[] {
    return [...this.#groups.keys()]
      .map((name) => this.part(name))
      .sort((a, b) => b.requests - a.requests || (a.name < b.name ? -1 : 1))
  }
}

const timed = (values: readonly number[]): Timed => ({
  requests: values.length,
  latency: latencyOf(sortedOf(values)),
})

const sortedOf = (values: readonly number[]) => Float64Array.from(values).sort()

function latencyOf(sorted: Float64Array): Latency {
  let sum = 0
  for (const value of sorted) sum += value
  return {
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
    mean: sorted.length === 0 ? 0 : sum / sorted.length,
  }
}

/** At most 30 bins of round width up to nearly the largest value. The SLO's time is a bound if it is round. */
function boundsFor(sorted: Float64Array, sloMs: number): number[] {
  const reach = Math.max(quantile(sorted, 0.99), sloMs * 1.1)
  const fits = (width: number) => reach / width <= 30 && ((sloMs / width) % 1 === 0 || width > sloMs)
  const width = widths.find(fits) ?? reach / 30
  return Array.from({ length: Math.ceil(reach / width) }, (_, i) => (i + 1) * width)
}

const widths = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]

/** Counts of values up to each bound and above the previous one; the last count is of those above all bounds. */
export function binned(sorted: Float64Array, bounds: readonly number[]): number[] {
  const upTo = [...bounds.map((bound) => countUpTo(sorted, bound)), sorted.length]
  return upTo.map((count, i) => count - (upTo[i - 1] ?? 0))
}

/** The cumulative distribution in 200 points, evenly spaced by requests, and denser in the last percent. */
function curveOf(sorted: Float64Array, requests: number): [number, number][] {
  const shares = [
    ...Array.from({ length: 198 }, (_, i) => (i + 1) / 200),
    ...Array.from({ length: 10 }, (_, i) => 0.991 + i / 1000),
  ]
  return sorted.length === 0
    ? []
    : shares.map((share) => [quantile(sorted, share), (share * sorted.length) / requests])
}

/** About 60 steps of a round length. */
function stepFor(ranMs: number): number {
  return (
    [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000].find((step) => ranMs / step <= 61) ?? 300_000
  )
}
