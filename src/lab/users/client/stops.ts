/**
 * Work to cancel immediately when the run stops. Not listeners of an AbortSignal: thousands of requests start and
 * finish each second, and removing a listener searches through all of them.
 */
export class Stops {
  stopped = false
  readonly #running = new Set<() => void>()

  add(stop: () => void): void {
    this.#running.add(stop)
  }

  delete(stop: () => void): void {
    this.#running.delete(stop)
  }

  stop(): void {
    this.stopped = true
    for (const stop of this.#running) stop()
    this.#running.clear()
  }
}
