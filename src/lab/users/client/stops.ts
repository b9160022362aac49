/**
 * What has to end at once when the run is stopped. Not an AbortSignal's listeners: thousands of requests come and go
 * each second, and taking a listener off a signal looks through all of them.
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
