import type { Mix } from './mix.ts'
import type { UserPlace } from './places.ts'
import { between, exponential, type Random, seeded, weighted } from './random.ts'

/** One user's visit, planned before anything is sent. */
type Visit = {
  /** Number of the user, from 0. */
  user: number
  /** Index of the place. */
  place: number
  /** In order; at least one. Times count from the start of the run; negative ones are the lead-in. */
  steps: readonly { atMs: number; kind: string }[]
}

type Arrivals = {
  /** Page requests of visits. Assets and redirects come on top. */
  ratePerSecond: number
  mix: Mix
  places: readonly Pick<UserPlace, 'weight'>[]
  seed: number
  /** Later steps are omitted; Infinity never ends. */
  forMs: number
}

/** Upper limit of the lead-in. With longer think times, some users start without open connections. */
const longestLeadMs = 10_000

/** How long before the start of a run its visits begin, uncounted. */
export const leadMsOf = ({ thinkMs }: Mix): number => Math.min(thinkMs.max, longestLeadMs)

/**
 * Yields every visit of a run, ordered by its first step. Visits start independently (a Poisson process), and the due
 * time of every step is fixed before anything is sent: no late answer delays a request. Otherwise a slow server would
 * get fewer requests and look fast (coordinated omission).
 *
 * The run starts in the middle of earlier visits, so that the first second is as busy as the last. Their steps within
 * the longest think time before the start are part of the plan, so each of these users has sent a request and has the
 * connections and assets that it would have.
 */
export function* visits({ ratePerSecond, mix, places, seed, forMs }: Arrivals): Generator<Visit> {
  const [arrive, live, walk] = ['arrivals', 'homes', 'steps'].map((name) => seeded(seed, name)) as [
    Random,
    Random,
    Random,
  ]
  const drawPlace = weighted([...places.keys()], (index) => places[index]!.weight)
  const drawKind = weighted(Object.entries(mix.requests), ([, { weight }]) => weight)
  const { min, max } = mix.thinkMs
  const fromMs = -leadMsOf(mix)
  const betweenVisitsMs = (1000 * mix.steps) / ratePerSecond
  // A visit of this age has ended in all but one of 20,000 cases.
  const longestMs = 10 * mix.steps * max
  const started: Visit[] = []
  let user = 0

  function visit(beginMs: number): Visit | undefined {
    const place = drawPlace(live)
    const steps: { atMs: number; kind: string }[] = []
    let atMs = beginMs
    let kind = mix.first ?? drawKind(walk)[0]
    for (;;) {
      if (atMs >= fromMs && atMs < forMs) steps.push({ atMs, kind })
      if (walk() < 1 / mix.steps) break
      atMs += between(walk, min, max)
      kind = drawKind(walk)[0]
    }
    return steps.length > 0 ? { user: user++, place, steps } : undefined
  }

  let beginMs = fromMs - longestMs + exponential(arrive, betweenVisitsMs)
  for (; beginMs < fromMs; beginMs += exponential(arrive, betweenVisitsMs)) {
    const one = visit(beginMs)
    if (one) started.push(one)
  }
  const firstMs = (one: Visit) => one.steps[0]!.atMs
  started.sort((a, b) => firstMs(b) - firstMs(a))
  for (; beginMs < forMs; beginMs += exponential(arrive, betweenVisitsMs)) {
    while (started.length > 0 && firstMs(started.at(-1)!) <= beginMs) yield started.pop()!
    const one = visit(beginMs)
    if (one) yield one
  }
  yield* started.reverse()
}
