import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../lib/errors.ts'
import { identify, isAlive, type ProcessId, signal, uptimeSeconds, withDescendants } from '../../lib/proc.ts'
import type { PlanProcess, RegionPlan } from '../../plan.ts'
import { type Exec, passes, runToEnd } from './check.ts'
import type { Launcher } from './launch.ts'

/** `failing`: it lives and was ready, and does not answer as it should any more. It is shown, not restarted. */
export type ProcessState =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'failing'
  | 'backoff'
  | 'gaveUp'
  | 'stopping'
  | 'stopped'

export type ProcessStatus = {
  name: string
  engine: PlanProcess['engine']
  state: ProcessState
  pid?: number
  uptimeSeconds?: number
  /** Since this agent started. */
  restarts: number
  /** Why it is not ready, in words. */
  why?: string
}

/** Opens when its promise resolves; `waitsFor` says for what, in words. */
export type StartCondition = { waitsFor: string; opens: () => Promise<void> }

export type SupervisorOptions = {
  plan: RegionPlan
  launcher: Launcher
  /** Processes that are held back beyond `after`, by what does not depend on this region alone. */
  startConditions?: Record<string, StartCondition>
  onChange?: (status: ProcessStatus) => void
  /** Pauses before restarts double from the first to the longest; what was given up is tried again after `givenUpMs`. */
  backoff?: { firstMs: number; longestMs: number; givenUpMs: number }
  /** Between two coordination at what was ready: while it answers, and while it does not. */
  look?: { calmMs: number; failingMs: number }
}

const pollMs = 200
/** Between two coordination whether a process lives: for HAProxy this is time in which users are refused. */
const alivePollMs = 50
const defaultBackoff = { firstMs: 250, longestMs: 15_000, givenUpMs: 60_000 }
const defaultLook = { calmMs: 10_000, failingMs: 1_000 }
/** One question may be lost in a busy moment. */
const failingAfter = 2
/** A process that lived this long was well: its next failure starts counting anew, and it is restarted at once. */
const wellAfterSeconds = 30
const giveUpAfter = 12

type Slot = {
  process: PlanProcess
  state: ProcessState
  why?: string
  id?: ProcessId
  restarts: number
  failures: number
  ready: PromiseWithResolvers<void>
  wanted: boolean
  /** How often it was said that it is wanted no more. */
  dismissals: number
  restarting?: Promise<void>
  /** Its condition has opened once. */
  admitted?: true
  /** A start under way: who stops waits for it, or the process would be nobody's. */
  launching?: Promise<ProcessId>
  /** A question under way, which may be a process of its own: it ends before what it is about counts as stopped. */
  asking?: Promise<boolean>
  done?: Promise<void>
}

/**
 * Keeps a region's processes as the plan wants them: started in order, watched, restarted with growing pauses, given
 * up visibly after `giveUpAfter` failures in a row: from then on tried once a minute, because what keeps it from
 * running may pass while nobody coordination. It watches by /proc and not by parenthood, so that a process that
 * an earlier agent started is supervised like one of its own.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #slots: Map<string, Slot>

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#slots = new Map(
      options.plan.processes.map((process) => [
        process.name,
        {
          process,
          state: 'waiting',
          restarts: 0,
          failures: 0,
          ready: Promise.withResolvers<void>(),
          wanted: true,
          dismissals: 0,
        },
      ]),
    )
  }

  start(): void {
    for (const slot of this.#slots.values()) slot.done ??= this.#keep(slot)
  }

  status(): ProcessStatus[] {
    return [...this.#slots.values()].map(statusOf)
  }

  /** Stops these processes (all by default), those that need others before those that are needed. */
  async stop(which: (process: PlanProcess) => boolean = () => true): Promise<void> {
    const chosen = [...this.#slots.values()].filter((slot) => which(slot.process))
    for (const slot of chosen) dismiss(slot)
    const stopped = new Map<string, Promise<void>>()
    const stop = (slot: Slot): Promise<void> => {
      const known = stopped.get(slot.process.name)
      if (known) return known
      const dependants = chosen.filter((other) => other.process.after.includes(slot.process.name))
      const promise = Promise.all(dependants.map(stop)).then(() => this.#stopOne(slot))
      stopped.set(slot.process.name, promise)
      return promise
    }
    await Promise.all(chosen.map(stop))
  }

  /** Ends watching and leaves every process as it is; resolves when none is half started. */
  async leave(): Promise<void> {
    for (const slot of this.#slots.values()) dismiss(slot)
    await Promise.all([...this.#slots.values()].map((slot) => slot.launching?.catch(() => undefined)))
  }

  /**
   * Restarts what runs, and tries again what was given up. What still waits for others goes on waiting. Asked twice at
   * once it restarts once, and a stop that comes meanwhile prevails.
   */
  async restart(name: string): Promise<void> {
    const slot = this.#slots.get(name)
    if (!slot || slot.state === 'waiting') return
    slot.restarting ??= this.#restart(slot).finally(() => {
      slot.restarting = undefined
    })
    await slot.restarting
  }

  async #restart(slot: Slot): Promise<void> {
    const { dismissals } = slot
    slot.wanted = false
    await this.#stopOne(slot)
    // Its old keeper must be gone, or two would start it.
    await slot.done
    if (slot.dismissals !== dismissals) return
    slot.wanted = true
    slot.failures = 0
    slot.done = this.#keep(slot)
  }

  #set(slot: Slot, state: ProcessState, why?: string): void {
    if (slot.state === state && slot.why === why) return
    slot.state = state
    slot.why = why
    try {
      this.#options.onChange?.(statusOf(slot))
    } catch {
      // Who is told about a process must not decide about it: a process that runs would pass for one that failed.
    }
  }

  async #keep(slot: Slot): Promise<void> {
    const { launcher } = this.#options
    const found = launcher.recorded(slot.process)
    if (found?.current) {
      slot.id = found.id
      slot.admitted = true
    } else if (found) {
      this.#set(slot, 'stopping', 'its plan has changed')
      await terminate(found.id, slot.process.stop)
    }
    while (slot.wanted) {
      try {
        if (!slot.id) {
          await this.#mayStart(slot)
          if (!slot.wanted) break
          this.#set(slot, 'starting')
          slot.launching = launcher.launch(slot.process)
          slot.id = await slot.launching
        }
        const adopted = found?.id === slot.id
        if (adopted) this.#set(slot, 'starting', 'adopted from an earlier agent')
        const why = await this.#untilEnd(slot, slot.id)
        if (!slot.wanted) break
        await this.#pause(slot, why)
      } catch (error) {
        if (!slot.wanted) break
        await this.#pause(slot, messageOf(error))
      }
    }
  }

  async #mayStart(slot: Slot): Promise<void> {
    const needs = slot.process.after
      .map((name) => this.#slots.get(name))
      .filter((needed) => needed !== undefined)
    const missing = needs.filter((needed) => needed.state !== 'ready').map((needed) => needed.process.name)
    if (slot.restarts === 0 && missing.length > 0) {
      this.#set(slot, 'waiting', `for ${missing.join(', ')}`)
      await Promise.all(needs.map((needed) => needed.ready.promise))
    }
    const condition = this.#options.startConditions?.[slot.process.name]
    if (condition && slot.wanted && !slot.admitted) {
      this.#set(slot, 'waiting', `for ${condition.waitsFor}`)
      await condition.opens()
      // What crashes later starts again without asking anybody: who is asked may be down, too.
      slot.admitted = true
    }
  }

  /** Readiness raced against exit, then exit. Returns why it ended. */
  async #untilEnd(slot: Slot, id: ProcessId): Promise<string> {
    const { process } = slot
    const deadline = process.readyTimeoutMs === 0 ? Infinity : performance.now() + process.readyTimeoutMs
    while (slot.wanted && slot.state !== 'ready') {
      if (!isAlive(id)) return 'it exited before it was ready'
      slot.asking = passes(process.ready, this.#options.plan.address, 1000, this.#exec)
      const ok = await slot.asking
      if (ok && isAlive(id)) {
        this.#set(slot, 'ready')
        slot.ready.resolve()
      } else if (performance.now() > deadline) {
        await terminate(id, process.stop)
        return `it was not ready after ${process.readyTimeoutMs / 1000} s`
      } else await sleep(pollMs)
    }
    await this.#watch(slot, id)
    if (slot.wanted && uptimeSeconds(id) > wellAfterSeconds) slot.failures = -1
    return 'it exited'
  }

  /** Until it ends. Now and then it is asked again: what hangs lives, too. */
  async #watch(slot: Slot, id: ProcessId): Promise<void> {
    const { process } = slot
    const { calmMs, failingMs } = this.#options.look ?? defaultLook
    let missed = 0
    let asking = false
    let nextAt = performance.now() + calmMs
    const look = async () => {
      asking = true
      slot.asking = passes(process.ready, this.#options.plan.address, 1000, this.#exec)
      const ok = await slot.asking
      missed = ok ? 0 : missed + 1
      asking = false
      nextAt = performance.now() + (ok ? calmMs : failingMs)
      if (!slot.wanted || slot.id !== id || !isAlive(id)) return
      if (ok) this.#set(slot, 'ready')
      else if (missed >= failingAfter) this.#set(slot, 'failing', 'it does not answer as it should any more')
    }
    while (slot.wanted && isAlive(id)) {
      // Beside the watching: an answer may take longer than an end may go unnoticed.
      if (!asking && performance.now() >= nextAt) void look()
      await sleep(alivePollMs)
    }
  }

  async #pause(slot: Slot, why: string): Promise<void> {
    slot.id = undefined
    slot.restarts += 1
    slot.failures += 1
    await this.#options.launcher.forget(slot.process)
    const { firstMs, longestMs, givenUpMs } = this.#options.backoff ?? defaultBackoff
    if (slot.failures >= giveUpAfter) {
      this.#set(slot, 'gaveUp', `${why}; ${slot.failures} times in a row, see its log`)
      return rest(slot, givenUpMs)
    }
    this.#set(slot, 'backoff', why)
    if (slot.failures > 0) await rest(slot, Math.min(longestMs, firstMs * 2 ** (slot.failures - 1)))
  }

  async #stopOne(slot: Slot): Promise<void> {
    if (slot.state === 'stopped') return
    await slot.launching?.catch(() => undefined)
    const found = slot.id ?? this.#options.launcher.recorded(slot.process)?.id
    this.#set(slot, 'stopping')
    if (found) await terminate(found, slot.process.stop)
    await slot.asking
    slot.id = undefined
    await this.#options.launcher.forget(slot.process)
    this.#set(slot, 'stopped')
  }

  readonly #exec: Exec = async (command, env, timeoutMs) => {
    return (await runToEnd(this.#options.launcher.dress('engine', command, env), timeoutMs)).code
  }
}

/** Ends early for one that is not wanted any more. */
async function rest(slot: Slot, forMs: number): Promise<void> {
  const until = performance.now() + forMs
  while (slot.wanted && performance.now() < until) await sleep(Math.min(pollMs, until - performance.now()))
}

function dismiss(slot: Slot): void {
  slot.wanted = false
  slot.dismissals += 1
}

function statusOf(slot: Slot): ProcessStatus {
  const { process, state, id, restarts, why } = slot
  return {
    name: process.name,
    engine: process.engine,
    state,
    ...(id ? { pid: id.pid, uptimeSeconds: uptimeSeconds(id) } : {}),
    restarts,
    ...(why ? { why } : {}),
  }
}

/** Asks a process to end, and after its time is up ends it and everything below it. */
export async function terminate(id: ProcessId, how: PlanProcess['stop']): Promise<void> {
  const family = withDescendants([id.pid])
    .map(identify)
    .filter((member) => member !== undefined)
  if (!signal(id, how.signal)) return
  const deadline = performance.now() + how.timeoutMs
  while (isAlive(id) && performance.now() < deadline) await sleep(20)
  for (const member of family) signal(member, 'SIGKILL')
  while (isAlive(id)) await sleep(20)
}
