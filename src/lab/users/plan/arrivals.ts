import type { Mix } from './mix.ts'
import type { UserPlace } from './places.ts'
import { between, exponential, type Random, seeded, weighted } from './random.ts'

/** One user's visit, planned before anything is sent. */
type Visit = {
  /** From 0; names the user. */
  user: number
  /** Index into the places. */
  place: number
  /** In order; at least one. Times count from the start of the run; those before it are its lead-in. */
  steps: readonly { atMs: number; kind: string }[]
}

type Arrivals = {
  /** Requests that visits ask for. What pages bring with them (assets, redirects) comes on top. */
  ratePerSecond: number
  mix: Mix
  places: readonly Pick<UserPlace, 'weight'>[]
  seed: number
  /** Steps that would come later are left out; Infinity goes on for ever. */
  forMs: number
}

/** No lead-in is longer; with longer think times some users begin with connections still to be made. */
const longestLeadMs = 10_000

/** How long before the start of a run its visits are carried out, uncounted. */
export const leadMsOf = ({ thinkMs }: Mix): number => Math.min(thinkMs.max, longestLeadMs)

/**
 * Every visit of a run, by its first step. Visits begin independently of each other (a Poisson process), and when each
 * of their steps is due is settled before anything is sent: no answer, however late, moves a request. That is what
 * keeps a slow server from being asked less, and so from looking fast (coordinated omission).
 *
 * The run begins in the middle of visits that have begun before it, so the first second is as busy as the last. Their
 * steps of the longest think time before the start are part of the plan: so each of them has done one, and has connections
 * and assets as it would have.
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
  // A visit this old has had its last step in all but one of 20,000 cases.
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
