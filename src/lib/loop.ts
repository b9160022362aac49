import { type Clock, pause, systemClock } from './clock.ts'

export type LoopOptions = {
  /** Runs one round. The next one waits for it to end. The signal aborts when the loop is stopped. */
  round: (signal: AbortSignal) => unknown
  /** Time from the end of a round to the start of the next. A function receives the round's duration. */
  restMs: number | ((tookMs: number) => number)
  /** Called with a round's error; the loop continues. */
  onError: (error: unknown) => void
  clock?: Clock
}

/** Starts a round every `everyMs`, regardless of how long rounds take, but rests for at least `leastMs`. */
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

  /** Starts the first round after `delayMs`, or before this returns if that is 0. */
  start(delayMs = 0): void {
    this.#running ??= this.#run(delayMs)
  }

  /** Starts the next round without a rest: immediately, or when the current one has ended. */
  trigger(): void {
    this.#isDue = true
    this.#resting?.abort()
  }

  /** Ends the rest, or waits for the current round. No round runs afterwards. */
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
