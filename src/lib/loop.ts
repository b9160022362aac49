import { type Clock, pause, systemClock } from './clock.ts'

export type LoopOptions = {
  /** Runs one round; the next one waits for its end. The signal aborts when the loop is stopped. */
  round: (signal: AbortSignal) => unknown
  /** Time between the end of a round and the start of the next. A function gets the duration of the round. */
  restMs: number | ((tookMs: number) => number)
  /** Gets the error of a failed round; the loop continues. */
  onError: (error: unknown) => void
  clock?: Clock
}

/** A rest of at least `leastMs` that makes rounds start every `everyMs`, regardless of their duration. */
export const every =
  (everyMs: number, leastMs = 0) =>
  (tookMs: number): number =>
    Math.max(leastMs, everyMs - tookMs)

/** Runs rounds one after another until it is stopped. Can be started and stopped once. */
export class Loop {
  readonly #options: LoopOptions
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  #resting: AbortController | undefined
  #isDue = false
  #running: Promise<void> | undefined

  constructor(options: LoopOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Starts the first round after `delayMs`; with 0, before this returns. */
  start(delayMs = 0): void {
    this.#running ??= this.#run(delayMs)
  }

  /** Starts the next round without a rest: immediately, or when the current one has ended. */
  trigger(): void {
    this.#isDue = true
    this.#resting?.abort()
  }

  /** Ends the rest, or waits for the current round. Nothing runs afterwards. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#resting?.abort()
    await this.#running
  }

  async #run(delayMs: number): Promise<void> {
    const { round, restMs, onError } = this.#options
    if (delayMs > 0) await this.#rest(delayMs)
    while (!this.stopping) {
      this.#isDue = false
      const startedMs = this.#clock.now()
      try {
        await round(this.#stopping.signal)
      } catch (error) {
        onError(error)
      }
      const tookMs = this.#clock.now() - startedMs
      await this.#rest(typeof restMs === 'number' ? restMs : restMs(tookMs))
    }
  }

  async #rest(ms: number): Promise<void> {
    if (this.#isDue || this.stopping) return
    this.#resting = new AbortController()
    await pause(this.#clock, ms, this.#resting.signal)
    this.#resting = undefined
  }
}
