import type { Prefix } from '../../geo/prefix.ts'
import { type Site, stoppedError, type UserRequest } from './client/browser.ts'
import type { AskServer } from './client/resolver.ts'
import { Stops } from './client/stops.ts'
import { User } from './client/user.ts'
import { type Effort, watchEffort } from './effort.ts'
import { leadMsOf, visits } from './plan/arrivals.ts'
import type { Mix } from './plan/mix.ts'
import type { UserPlace } from './plan/places.ts'
import { type Random, seeded } from './plan/random.ts'
import { Samples } from './samples.ts'
import { Schedule } from './schedule.ts'

/** A place, as the generator needs it. */
export type Home<Server> = Pick<UserPlace, 'weight'> & {
  /** Name servers in the order in which users there try them: nearest first. */
  servers: readonly Server[]
  /** Source address of one of its users. */
  fromOf(user: number): string | undefined
  subnetOf(random: Random): Prefix | undefined
}

type Generate<Server> = {
  homes: readonly Home<Server>[]
  site: Site
  mix: Mix
  ratePerSecond: number
  /** Infinity: until stopped. */
  forMs: number
  seed: number
  /** Prefix of user names and order references; unique to this run in this world. */
  prefix: string
  answerTimeoutMs: number
  askServer(from: string | undefined): AskServer<Server>
  /** Stops the run immediately; requests in flight stay unanswered. */
  signal: AbortSignal
  onRequest?: (request: UserRequest) => void
}

type Generated = {
  samples: Samples
  users: number
  ranMs: number
  stopped: boolean
  unanswered: number
  effort: Effort
}

/** Limit of requests in flight, beyond which the world is not answering and memory would grow without bound. */
const maxInFlight = 20_000
const stopWithinMs = 250

/**
 * Runs the users planned by `visits` in real time, starting with the lead-in. Resolves when the time is over and every
 * request is answered or has timed out (after `answerTimeoutMs` at most), or immediately when stopped. Never rejects.
 */
export async function generate<Server>(options: Generate<Server>): Promise<Generated> {
  const { homes, site, mix, ratePerSecond, forMs, seed, prefix, answerTimeoutMs, signal, onRequest } = options
  const samples = new Samples()
  const stops = new Stops()
  const leadMs = leadMsOf(mix)
  const begunMs = performance.now() + leadMs
  let effort = watchEffort()
  const leading = setTimeout(() => {
    effort = watchEffort()
  }, leadMs)
  const now = () => performance.now() - begunMs
  const schedule = new Schedule<Step<Server>>()
  const plan = visits({ ratePerSecond, mix, places: homes, seed, forMs })
  let next = plan.next()
  let [users, underWay, unanswered] = [0, 0, 0]
  const present = new Set<User<Server>>()
  let idle = () => {}

  const record = (request: UserRequest) => {
    if (request.atMs < 0) return
    if (request.error === stoppedError) {
      unanswered += 1
      return
    }
    if (request.error === 'own limit') effort.hitOwnLimit()
    samples.add(request)
    onRequest?.(request)
  }

  const arrive = (visit: NonNullable<typeof next.value>) => {
    const home = homes[visit.place]!
    const randomFor = (step: number | string) => seeded(seed, `user ${visit.user} ${step}`)
    const from = home.fromOf(visit.user)
    const user = new User<Server>({
      name: `${prefix}-${visit.user}`,
      visitor: visit.user,
      place: visit.place,
      from,
      subnet: home.subnetOf(randomFor('subnet')),
      servers: home.servers,
      askServer: options.askServer(from),
      site,
      mix,
      randomFor,
      answerTimeoutMs,
      stops,
      now,
      record,
    })
    present.add(user)
    const stay = { left: visit.steps.length, counts: false }
    for (const { atMs, kind } of visit.steps)
      schedule.add(atMs, { user, kind, stay, place: visit.place, visitor: visit.user })
  }

  const finished = (user: User<Server>, stay: Stay) => {
    if (--stay.left > 0) return
    user.leave()
    present.delete(user)
  }

  const begin = ({ user, kind, stay, place, visitor }: Step<Server>, atMs: number) => {
    const counts = atMs >= 0
    if (counts && !stay.counts) users += 1
    stay.counts ||= counts
    if (underWay >= maxInFlight) {
      effort.hitOwnLimit()
      const none = { edge: undefined, servedBy: undefined, dnsMs: 0, connectMs: 0 }
      if (counts) samples.add({ ...none, atMs, latencyMs: 0, place, visitor, kind, error: 'own limit' })
      finished(user, stay)
      return
    }
    underWay += 1
    if (counts) effort.sent(now() - atMs, underWay)
    void user.step(kind, atMs).finally(() => {
      underWay -= 1
      finished(user, stay)
      if (underWay === 0) idle()
    })
  }

  await new Promise<void>((resolve) => {
    const tick = () => {
      const nowMs = now()
      while (!next.done && next.value.steps[0]!.atMs <= nowMs) {
        arrive(next.value)
        next = plan.next()
      }
      for (let due = schedule.take(nowMs); due; due = schedule.take(nowMs)) begin(due.what, due.atMs)
      const soonest = Math.min(schedule.nextMs, next.done ? Infinity : next.value.steps[0]!.atMs)
      if (soonest === Infinity) resolve()
      else timer = setTimeout(tick, Math.min(1000, Math.max(0, soonest - now())))
    }
    let timer = setTimeout(tick, 0)
    const stop = () => {
      clearTimeout(timer)
      stops.stop()
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
  if (!signal.aborted) await untilOver(Math.max(0, forMs - now()), signal)
  clearTimeout(leading)
  const ranMs = Math.max(0, Math.min(now(), forMs))
  if (underWay > 0) {
    await new Promise<void>((resolve) => {
      idle = resolve
      // DNS queries in flight cannot be cancelled; they are not awaited either.
      if (signal.aborted) setTimeout(resolve, stopWithinMs)
    })
  }
  for (const user of present) user.leave()
  return {
    samples,
    users,
    ranMs,
    stopped: signal.aborted,
    unanswered: unanswered + underWay,
    effort: effort.end(),
  }
}

type Stay = { left: number; counts: boolean }
type Step<Server> = { user: User<Server>; kind: string; stay: Stay; place: number; visitor: number }

function untilOver(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
