import { type ProcessId, uptimeSeconds } from '../../lib/proc.ts'
import type { PlanProcess } from '../../plan.ts'
import { type Event, initialState, type ProcessState, type State, transitions } from './transitions.ts'

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

/** One process of the plan and all that its supervisor knows about it. Its state changes by `transitions` alone. */
export class SupervisedProcess {
  readonly planned: PlanProcess
  id: ProcessId | undefined
  restarts = 0
  /** In a row. */
  failures = 0
  /** Resolves when it is ready for the first time. */
  readonly ready = Promise.withResolvers<void>()
  /** Its start condition has opened once. */
  admitted = false
  /** Aborted as soon as it is wanted no more, before its state shows it: what is needed by others stops after them. */
  run = new AbortController()
  /** What the latest call wants to become of it. A stop that comes during a restart prevails, and the reverse. */
  wish: 'run' | 'restart' | 'end' = 'run'
  /** Its keeper; resolves when that has ended. */
  kept: Promise<void> | undefined
  /** A start or a reload under way. A stop waits for it, or the process would be nobody’s. */
  launching: Promise<unknown> | undefined
  /** Resolves when an earlier agent’s process that the plan wants otherwise has ended, and has left its addresses. */
  readonly cleared = Promise.withResolvers<void>()
  /** Why it refuses the files that the plan has for it now. */
  refused: string | undefined
  /** A check under way, which may be a process itself. It ends before the process counts as stopped. */
  checking: Promise<boolean> | undefined
  stopping: Promise<void> | undefined
  restarting: Promise<void> | undefined
  #state = initialState
  #why: string | undefined
  readonly #onChange: (status: ProcessStatus) => void

  constructor(planned: PlanProcess, onChange: (status: ProcessStatus) => void = () => undefined) {
    this.planned = planned
    this.#onChange = onChange
  }

  get state(): State {
    return this.#state
  }

  dismiss(wish: 'restart' | 'end'): void {
    this.wish = wish
    this.run.abort()
  }

  /** Applies an event. False when it does not apply in this state: what goes with the event must not be done then. */
  apply(event: Event, why?: string): boolean {
    const next = transitions[this.#state][event]
    if (next === 'ignored') return false
    const changed = next !== this.#state || why !== this.#why
    this.#state = next
    this.#why = why
    // After a restart nothing is told yet: that it starts, or what it waits for, follows at once.
    if (changed && event !== 'restart') this.#tell()
    return true
  }

  #tell(): void {
    try {
      this.#onChange(this.status())
    } catch {
      // A listener must not decide about a process: one that runs would count as one that failed.
    }
  }

  status(): ProcessStatus {
    const { planned, id, restarts } = this
    return {
      name: planned.name,
      engine: planned.engine,
      state: this.#state === 'replacing' ? 'stopping' : this.#state,
      ...(id ? { pid: id.pid, uptimeSeconds: uptimeSeconds(id) } : {}),
      restarts,
      ...(this.#why ? { why: this.#why } : {}),
    }
  }
}
