import { type Clock, pause, systemClock } from './clock.ts'

export type LoopOptions = {
  /** One round; the next one waits for its end. The signal aborts when the loop is stopped. */
  round: (signal: AbortSignal) => unknown
  /** Between the end of a round and the start of the next; a function gets what the round took. */
  restMs: number | ((tookMs: number) => number)
  /** What a round throws; the loop goes on. */
  onError: (error: unknown) => void
  clock?: Clock
}

/** Rest that makes rounds start every `everyMs`, however long one takes; at least `leastMs`. */
export const every =
  (everyMs: number, leastMs = 0) =>
  (tookMs: number): number =>
    Math.max(leastMs, everyMs - tookMs)

/** Runs rounds one after the other until it is stopped. Started and stopped once. */
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

  /** The first round begins after `delayMs`: before this returns, when that is 0. */
  start(delayMs = 0): void {
    this.#running ??= this.#run(delayMs)
  }

  /** Begins the next round without a rest: at once, or when the one that is under way has ended. */
  trigger(): void {
    this.#isDue = true
    this.#resting?.abort()
  }

  /** Ends the rest, or waits for the round that is under way. Nothing runs afterwards. */
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
