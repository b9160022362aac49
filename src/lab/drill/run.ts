import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '../../agent/shared.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { Topology } from '../../topology/schema.ts'
import { check, type Guarantee, type Promises } from '../checker/index.ts'
import type { Injected } from '../faults/inject.ts'
import { sayFault, sayHealing, sayMs, what } from '../faults/say.ts'
import type { Fault } from '../faults/types.ts'
import {
  clockMs,
  type FinalState,
  type History,
  isWrite,
  mergeFinals,
  newHeader,
  Recorder,
} from '../history.ts'
import type { UsersResult } from '../users/result.ts'
import type { Workload } from '../workloads/types.ts'
import { brokenIn, type Figures, figuresOf } from './figures.ts'
import { isSettled, type Look, lostIn, unsettled } from './look.ts'
import { type Condition, type DrillPlan, regionsHit, type Step } from './plan.ts'
import { type Deed, type Moment, timelineOf } from './timeline.ts'

/** The world as a drill needs it. */
export type DrillWorld = {
  name: string
  topology: Topology
  fullRegions: number
  inject: (fault: Fault) => Promise<Injected>
  look: () => Promise<Look>
  /** What agents have decided, oldest first. */
  events: () => Promise<Event[]>
  /** Prepared one after the other, run at the same time. */
  workloads: readonly Workload[]
  /** Simulated users beside them, from where they live; until the signal. */
  users?: ((signal: AbortSignal, onStart: () => void) => Promise<UsersResult>) | undefined
}

export type DrillOptions = {
  seed: number
  promises: Promises
  /** A violation of what is not promised counts, too. */
  every?: boolean
  signal: AbortSignal
  /** Told what is going on, for people. */
  say: (text: string) => void
}

export type DrillResult = {
  plan: DrillPlan
  seed: number
  /** Milliseconds since 1970, of the first fault. */
  faultAt: number
  timeline: readonly Moment[]
  figures: Figures
  guarantees: readonly Guarantee[]
  /** False: the world did not come back to what it was. */
  settled: boolean
  /** What one should know before believing the figures. */
  notes: readonly string[]
  /** No promise is broken, and the world has come back. */
  ok: boolean
  history: History
  final: FinalState
}

const lookEveryMs = 250
const settledBeforeMs = 60_000
/** Without so many acknowledged writes before the fault there is nothing to compare with. */
const leastBaselineWrites = 10
const longestBaselineMs = 30_000
const cleanUpMs = 15_000

/**
 * Runs a drill as it is planned. However it ends, every fault that it has injected is healed, and what the load made is
 * removed; an aborted signal ends it with the reason of the signal.
 */
export async function runDrill(
  plan: DrillPlan,
  world: DrillWorld,
  options: DrillOptions,
): Promise<DrillResult> {
  const { signal, say, seed } = options
  const recorder = new Recorder(newHeader(world.name, seed))
  const watch = watchWorld(world)
  const load = new AbortController()
  const faults = new Faults(world, recorder, say)
  let running: Promise<unknown> = Promise.resolve()
  let users: Promise<UsersResult | undefined> = Promise.resolve(undefined)
  let begun = false
  try {
    await settledBefore(world, watch, signal)
    begun = true
    for (const workload of world.workloads) {
      signal.throwIfAborted()
      await workload.prepare()
    }
    running = Promise.all(world.workloads.map((one) => one.run(load.signal, recorder.record)))
    // Told where it is waited for; it must not end the process meanwhile.
    running.catch(() => undefined)
    if (world.users) users = (await usersComing(world.users, load.signal, signal)).met
    const names = [...world.workloads.map(({ name }) => name), ...(world.users ? ['users'] : [])]
    say(`Load alone for ${sayMs(plan.baselineMs)}: ${names.join(' and ')}`)
    await baseline(recorder, plan.baselineMs, signal)

    const settled = await runSteps(plan, { world, watch, recorder, faults, signal, say })
    say(`Load alone for ${sayMs(plan.afterMs)}`)
    await sleep(plan.afterMs, undefined, { signal })
    say('Waiting for every answer, then looking at what is there')
    load.abort()
    await aborted(running, signal)
    const met = await aborted(users, signal)
    const finals: FinalState[] = []
    for (const workload of world.workloads) finals.push(await aborted(workload.final(), signal))
    return await judge(plan, world, options, {
      recorder,
      deeds: faults.deeds,
      looks: watch.looks,
      final: mergeFinals(finals),
      settled,
      users: met,
    })
  } finally {
    watch.stop()
    await faults.healAll()
    load.abort()
    if (begun) await cleanUp(world.workloads, running, say)
  }
}

/** Resolves when they come; what they meet is in the promise that it returns. */
async function usersComing(
  come: NonNullable<DrillWorld['users']>,
  load: AbortSignal,
  signal: AbortSignal,
): Promise<{ met: Promise<UsersResult> }> {
  const started = Promise.withResolvers<void>()
  const met = come(load, started.resolve)
  met.catch(started.reject)
  await aborted(started.promise, signal)
  return { met }
}

async function cleanUp(
  workloads: readonly Workload[],
  running: Promise<unknown>,
  say: (text: string) => void,
): Promise<void> {
  await Promise.race([running.catch(() => undefined), sleep(1000)])
  const done = Promise.all(workloads.map((one) => one.cleanUp())).then(
    () => undefined,
    (error) => say(`what the load made could not be removed: ${messageOf(error)}`),
  )
  const late = new AbortController()
  const tooLate = sleep(cleanUpMs, 'late', { signal: late.signal }).catch(() => undefined)
  if ((await Promise.race([done, tooLate])) === 'late')
    say(`what the load made was not removed within ${sayMs(cleanUpMs)}`)
  late.abort()
}

/** The work, or the signal's reason, whichever comes first. */
function aborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** Looks at the world again and again, from now on. */
function watchWorld(world: DrillWorld) {
  const looks: Look[] = []
  let stopped = false
  const loop = async () => {
    while (!stopped) {
      const startedMs = clockMs()
      const look = await world.look().catch(() => undefined)
      if (look && !stopped) looks.push(look)
      await sleep(Math.max(20, lookEveryMs - (clockMs() - startedMs)))
    }
  }
  void loop()
  return {
    looks,
    last: () => looks.at(-1),
    stop: () => {
      stopped = true
    },
  }
}
type Watch = ReturnType<typeof watchWorld>

/** Everything that the drill has injected, and what it did when. */
class Faults {
  readonly deeds: Deed[] = []
  readonly #world: DrillWorld
  readonly #recorder: Recorder
  readonly #say: (text: string) => void
  readonly #inForce = new Map<string, { fault: Fault; injected: Injected }>()
  /** When the last one was in force. */
  lastMs = 0

  constructor(world: DrillWorld, recorder: Recorder, say: (text: string) => void) {
    this.#world = world
    this.#recorder = recorder
    this.#say = say
  }

  async inject(fault: Fault, as: string): Promise<void> {
    this.#say(`Fault: ${sayFault(fault)}`)
    const beganMs = clockMs()
    this.#inForce.set(as, { fault, injected: await this.#world.inject(fault) })
    this.lastMs = clockMs()
    this.note('fault', what(fault), actsWhileInjected(fault) ? beganMs : this.lastMs)
  }

  async heal(as: string): Promise<void> {
    const found = this.#inForce.get(as)
    if (!found) return
    const healing = sayHealing(found.fault)
    if (healing) this.#say(`Healing: ${healing}`)
    await found.injected.heal()
    this.#inForce.delete(as)
    if (healing) this.note('healed', healing)
  }

  /** One that cannot be healed does not keep the others; its record stays for the next command. */
  async healAll(): Promise<void> {
    for (const as of [...this.#inForce.keys()].reverse())
      await this.heal(as).catch((error) => this.#say(`could not be healed: ${messageOf(error)}`))
  }

  note(kind: Deed['kind'], text: string, atMs = clockMs()): void {
    this.deeds.push({ atMs, kind, what: text })
    this.#recorder.mark(text, atMs)
  }
}

/** Of these users notice something before all of it has been done; the others are nothing until they are in force. */
const actsWhileInjected = ({ kind }: Fault) => kind.startsWith('kill-') || kind.startsWith('restart-')

async function settledBefore(world: DrillWorld, watch: Watch, signal: AbortSignal): Promise<void> {
  const limit = clockMs() + settledBeforeMs
  for (;;) {
    const look = watch.last()
    if (look && isSettledNow(world, look)) return
    if (clockMs() > limit)
      throw new NearsideError(
        'drill_not_settled',
        [`${world.name}: is not well before the drill`, ...(look ? unsettled(look) : [])].join('\n  '),
        { remedy: 'nearside status says what is wrong; a drill would show nothing else' },
      )
    await sleep(100, undefined, { signal })
  }
}

const isSettledNow = (world: DrillWorld, look: Look) =>
  isSettled(look, world.topology.database.durability, world.fullRegions)

async function baseline(recorder: Recorder, ms: number, signal: AbortSignal): Promise<void> {
  const acknowledged = () =>
    recorder.ops.filter((op) => isWrite(op) && op.outcome === 'ok').length >= leastBaselineWrites
  const limit = clockMs() + longestBaselineMs
  await sleep(ms, undefined, { signal })
  while (!acknowledged()) {
    if (clockMs() > limit)
      throw new NearsideError('drill_no_load', 'the load gets no write acknowledged, without any fault', {
        remedy: `nearside status; the last answers: ${[...new Set(recorder.ops.slice(-20).map(({ why }) => why))].join('; ') || 'none'}`,
      })
    await sleep(100, undefined, { signal })
  }
}

type Running = {
  world: DrillWorld
  watch: Watch
  recorder: Recorder
  faults: Faults
  signal: AbortSignal
  say: (text: string) => void
}

/** False when the world had not settled in time after the last step. */
async function runSteps(plan: DrillPlan, running: Running): Promise<boolean> {
  let settled = true
  for (const step of plan.steps) {
    running.signal.throwIfAborted()
    const done = await runStep(step, running)
    if (step.do === 'until' && step.what === 'settled') settled = done
  }
  await running.faults.healAll()
  return settled
}

async function runStep(
  step: Step,
  { world, watch, recorder, faults, signal, say }: Running,
): Promise<boolean> {
  switch (step.do) {
    case 'inject':
      try {
        await faults.inject(step.fault, step.as)
      } catch (error) {
        if (!step.mayRefuse || !(error instanceof NearsideError)) throw error
        faults.note('other', `left out: ${what(step.fault)}: ${error.message}`)
      }
      return true
    case 'pause':
      await sleep(step.ms, undefined, { signal })
      return true
    case 'heal':
      await faults.heal(step.which)
      return true
    case 'wait': {
      const leftMs = faults.lastMs + step.ms - clockMs()
      if (leftMs > 0) await sleep(leftMs, undefined, { signal })
      return true
    }
    case 'until': {
      const sinceMs = clockMs()
      const limit = sinceMs + step.limitMs
      say(`Waiting until ${waitedFor[step.what]}`)
      for (;;) {
        if (holds(step.what, { world, watch, recorder, faults, sinceMs })) break
        if (clockMs() > limit) {
          faults.note('other', `${sayMs(step.limitMs)} have passed, and not yet: ${waitedFor[step.what]}`)
          return false
        }
        await sleep(50, undefined, { signal })
      }
      if (step.what === 'settled') faults.note('settled', 'everything is ready, fit and in step')
      return true
    }
  }
}

const waitedFor: Record<Condition, string> = {
  writes: 'a write is acknowledged that was sent after the fault',
  verdict: 'a majority calls a region lost',
  settled: 'everything is ready, fit and in step',
}

function holds(
  condition: Condition,
  {
    world,
    watch,
    recorder,
    faults,
    sinceMs,
  }: Pick<Running, 'world' | 'watch' | 'recorder' | 'faults'> & { sinceMs: number },
): boolean {
  const look = watch.last()
  if (condition === 'writes')
    return recorder.ops.some(
      (op) => isWrite(op) && op.outcome === 'ok' && op.invokedMs > faults.lastMs && op.completedMs > sinceMs,
    )
  if (!look || look.atMs < sinceMs) return false
  return condition === 'verdict' ? lostIn(look).length > 0 : isSettledNow(world, look)
}

type Seen = {
  recorder: Recorder
  deeds: readonly Deed[]
  looks: readonly Look[]
  final: FinalState
  settled: boolean
  users: UsersResult | undefined
}

async function judge(
  plan: DrillPlan,
  world: DrillWorld,
  { seed, promises, every }: DrillOptions,
  { recorder, deeds, looks, final, settled, users }: Seen,
): Promise<DrillResult> {
  const history = recorder.history()
  const notes: string[] = []
  const events = await world.events().catch((error) => {
    notes.push(`what the agents decided is missing: ${messageOf(error)}`)
    return []
  })
  const guarantees = check(history, final, promises)
  const timeline = timelineOf({ deeds, events, looks, history })
  const hit = regionsHit(plan)
  const figures = figuresOf({ history, deeds, timeline, guarantees, hit, slo: world.topology.slo, users })
  if (!settled) notes.push('the world had not settled when it was looked at')
  if (plan.ground === 'local')
    notes.push(
      'without distances: between regions there is only this machine, so times are shorter than in the wide area',
    )
  for (const { region, source, why } of final.absent)
    notes.push(`${region}, ${source}: could not be asked at the end: ${why}`)
  const faultAt = (deeds.find(({ kind }) => kind === 'fault')?.atMs ?? 0) + history.header.epochOffsetMs
  return {
    plan,
    seed,
    faultAt,
    timeline,
    figures,
    guarantees,
    settled,
    notes,
    ok: settled && final.absent.length === 0 && brokenIn(guarantees, every).length === 0,
    history,
    final,
  }
}
