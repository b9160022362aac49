import { type Clock, systemClock } from '../../lib/clock.ts'
import { type ProcessId, uptimeSeconds } from '../../lib/proc.ts'
import type { PlanProcess } from '../../plan.ts'
import type { CheckResult } from './check.ts'
import type { RunEnd } from './run-end.ts'
import { type Event, initialState, type ProcessState, type State, transitions } from './transitions.ts'

export type ProcessStatus = {
  name: string
  engine: PlanProcess['engine']
  state: ProcessState
  pid?: number
  uptimeSeconds?: number
  /** Since this agent started. */
  restarts: number
  /** Failed runs in a row; absent while it is ready. */
  failures?: number
  /** How its last run ended; only after a failure. */
  lastEnd?: RunEnd['kind']
  /** Time until the next start; only while it pauses after a failure. */
  retryInSeconds?: number
  /** Why it is not ready, for the operator. */
  why?: string
}

/** One process of the plan with its supervision state, which changes only by `transitions`. */
export class SupervisedProcess {
  readonly planned: PlanProcess
  id: ProcessId | undefined
  restarts = 0
  /** In a row. */
  failures = 0
  /** How the last run ended, and how many in a row ended like it. */
  lastEnd: RunEnd['kind'] | undefined
  endedAlike = 0
  /** By the supervisor's clock. */
  nextStartAtMs = 0
  /** Resolves when it is ready for the first time. */
  readonly ready = Promise.withResolvers<void>()
  /** Its start condition has been met once. */
  admitted = false
  /**
   * Aborted when the process must stop. Its state may show that later, because processes stop after their dependants.
   */
  run = new AbortController()
  /** The latest request, which prevails: a stop during a restart, and the reverse. */
  wish: 'run' | 'restart' | 'end' = 'run'
  /** Settles when its keeper has finished. */
  kept: Promise<void> | undefined
  /** A start or reload in progress. A stop waits for it; otherwise the new process would be left unsupervised. */
  launching: Promise<unknown> | undefined
  /** Resolves when no process of an earlier plan is left that could still use the addresses of this one. */
  readonly cleared = Promise.withResolvers<void>()
  /** Why it refuses its current files. */
  refused: string | undefined
  /** A check in progress, which may be a process itself. It finishes before the process counts as stopped. */
  checking: Promise<CheckResult> | undefined
  stopping: Promise<void> | undefined
  restarting: Promise<void> | undefined
  #state = initialState
  #why: string | undefined
  readonly #onChange: (status: ProcessStatus) => void
  readonly #clock: Pick<Clock, 'now'>

  constructor(
    planned: PlanProcess,
    onChange: (status: ProcessStatus) => void = () => undefined,
    clock: Pick<Clock, 'now'> = systemClock,
  ) {
    this.planned = planned
    this.#onChange = onChange
    this.#clock = clock
  }

  get state(): State {
    return this.#state
  }

  dismiss(wish: 'restart' | 'end'): void {
    this.wish = wish
    this.run.abort()
  }

  /** Applies an event. False when the state ignores it; then the caller must not carry out the event either. */
  apply(event: Event, why?: string): boolean {
    const next = transitions[this.#state][event]
    if (next === 'ignored') return false
    const changed = next !== this.#state || why !== this.#why
    this.#state = next
    this.#why = why
    // A restart is not reported by itself: the start, or what it waits for, follows immediately.
    if (changed && event !== 'restart') this.#notify()
    return true
  }

  #notify(): void {
    try {
      this.#onChange(this.status())
    } catch {
      // A failing listener must not affect supervision: a running process would count as failed.
    }
  }

  status(): ProcessStatus {
    const { planned, id, restarts, failures } = this
    const pauses = this.#state === 'backoff' || this.#state === 'gaveUp'
    const waitMs = Math.max(0, this.nextStartAtMs - this.#clock.now())
    return {
      name: planned.name,
      engine: planned.engine,
      state: this.#state === 'replacing' ? 'stopping' : this.#state,
      ...(id ? { pid: id.pid, uptimeSeconds: uptimeSeconds(id) } : {}),
      restarts,
      ...(failures > 0 && this.#state !== 'ready' ? { failures } : {}),
      ...(this.lastEnd && this.#state !== 'ready' ? { lastEnd: this.lastEnd } : {}),
      ...(pauses ? { retryInSeconds: Math.round(waitMs / 1000) } : {}),
      ...(this.#why ? { why: this.#why } : {}),
    }
  }
}
