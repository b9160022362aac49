import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../src/lib/clock.ts'

type Timer = { atMs: number; run: () => void }

/** A clock that moves only when a test advances it. */
export class ManualClock implements Clock {
  #nowMs = 0
  #timers: Timer[] = []

  now(): number {
    return this.#nowMs
  }

  setTimeout(run: () => void, ms: number): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Number of pending timers. */
  get pending(): number {
    return this.#timers.length
  }

  /** Time until the next timer; `Infinity` without one. */
  get nextInMs(): number {
    return Math.min(...this.#timers.map(({ atMs }) => atMs)) - this.#nowMs
  }

  /** Advances by `ms`. Timers fire in order, each at its own time; code that awaits one runs before the next fires. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await nextTurn()
    for (;;) {
      const next = this.#timers
        .filter(({ atMs }) => atMs <= endMs)
        .reduce<Timer | undefined>(
          (first, timer) => (first && first.atMs <= timer.atMs ? first : timer),
          undefined,
        )
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = next.atMs
      next.run()
      await nextTurn()
    }
    this.#nowMs = endMs
  }
}
